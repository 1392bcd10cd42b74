"""
``python -m project.serve``: Granian, whose workers share the memory of one imported application.

It takes the arguments of ``granian``. The workers are forked, so what is imported here is theirs, too.
"""

import gc

from granian.cli import entrypoint

from project import wsgi  # noqa: F401  # the workers find it imported

if __name__ == "__main__":
    # The collector would write to each object, and each worker would get its own copy.
    gc.freeze()
    entrypoint()
