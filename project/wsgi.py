"""The WSGI application. It does not start with an unsafe configuration."""

import io
import os

from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

from project.whole_requests import complete

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")

application = complete(get_wsgi_application())
# Errors are raised. Warnings are shown by `make run` and `make test`.
_QUIET = io.StringIO()
call_command("check", databases=["default"], stdout=_QUIET, stderr=_QUIET)
