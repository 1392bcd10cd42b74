"""
``python -m project.serve``: Granian, whose workers share the memory of what is imported here.

It takes the arguments of ``granian``, and forks the workers. Each of them then makes its own
application: connections, threads and metrics must not be shared.
"""

import gc
import os
from importlib import import_module

import django
from django.conf import settings
from granian.cli import entrypoint

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    import_module(settings.ROOT_URLCONF)
    # The collector would write to each object, and each worker would get its own copy.
    gc.freeze()
    entrypoint()
