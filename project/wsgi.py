"""The application, for a WSGI server. It does not start on a configuration that is not safe."""

import io
import os
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.utils.http import parse_header_parameters

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")

django = get_wsgi_application()
call_command("check", stdout=io.StringIO())


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Django's, for requests whose framing Django does not take as it comes."""
    environ["CONTENT_TYPE"] = _content_type(environ.get("CONTENT_TYPE", ""))
    if "CONTENT_LENGTH" not in environ and "HTTP_TRANSFER_ENCODING" in environ:
        # A chunked body; what is beyond the limit is refused by its length.
        body = environ["wsgi.input"].read(settings.MAX_BODY_BYTES + 1)
        environ |= {
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
        }
    return django(environ, start_response)


def _content_type(value: str) -> str:
    """Keep the type, and the boundary of a form: Django fails on odd or unknown parameters."""
    try:
        media_type, parameters = parse_header_parameters(value)
    except ValueError:
        return value.partition(";")[0]
    boundary = parameters.get("boundary")
    return f"{media_type}; boundary={boundary}" if boundary else media_type
