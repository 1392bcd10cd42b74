"""The application, for a WSGI server. It does not start on a configuration that is not safe."""

import io
import os

from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

from project.requests import complete

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")

application = complete(get_wsgi_application())
# Errors are raised; what it warns of is for `make run` and `make test` to show.
_QUIET = io.StringIO()
call_command("check", databases=["default"], stdout=_QUIET, stderr=_QUIET)
