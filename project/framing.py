"""
What comes before Django: a request is whole, and not too large, or it is refused.

A body is read before Django is asked, by a thread that costs little to wait with: clients that send
slowly do not keep the others out until they are as many as the server's threads.
"""

import io
import json
from collections.abc import Callable, Iterable
from threading import BoundedSemaphore
from typing import Any

from django.conf import settings
from django.utils.http import parse_header_parameters

from authapi import hashing
from authapi.error_format import MEDIA_TYPE, problem
from authapi.errors import Code

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]

# How many requests Python works on at once, beside those that hash a password or wait for it.
OTHERS = 7
# Django reads the parameters of a media type in a time that grows with the square of their length.
MEDIA_TYPE_LENGTH = 1000


def framed(application: Application) -> Application:
    """Wrap a WSGI application so that it sees whole requests of at most ``MAX_BODY_BYTES``."""
    working = BoundedSemaphore(
        settings.PASSWORD_HASHES_AT_ONCE + hashing.WAITING + OTHERS
    )

    def wrapped(environ: Environ, start_response: Any) -> Iterable[bytes]:
        environ["CONTENT_TYPE"] = _content_type(environ.get("CONTENT_TYPE", ""))
        if len(environ.get("HTTP_ACCEPT", "")) > MEDIA_TYPE_LENGTH:
            del environ["HTTP_ACCEPT"]
        declared = environ.get("CONTENT_LENGTH") or "0"
        chunked = "HTTP_TRANSFER_ENCODING" in environ
        if chunked or declared != "0":
            if not chunked and int(declared) > settings.MAX_BODY_BYTES:
                return _refuse(start_response, 413, Code.BODY_TOO_LARGE, TOO_LARGE)
            body = environ["wsgi.input"].read(settings.MAX_BODY_BYTES + 1)
            if len(body) > settings.MAX_BODY_BYTES:
                return _refuse(start_response, 413, Code.BODY_TOO_LARGE, TOO_LARGE)
            if not chunked and len(body) != int(declared):
                return _refuse(start_response, 400, Code.PARSE_ERROR, CUT_SHORT)
            environ["CONTENT_LENGTH"] = str(len(body))
            environ["wsgi.input"] = io.BytesIO(body)
        with working:
            return application(environ, start_response)

    return wrapped


TOO_LARGE = "The body is larger than 64 kB."
CUT_SHORT = "The body is shorter than its Content-Length."


def _refuse(
    start_response: Any, status: int, code: Code, detail: str
) -> Iterable[bytes]:
    body = problem(status, code, detail)
    # What is left of the body is not read, so the server hangs up: whoever keeps connections, such
    # as a proxy, must not send the next request on this one.
    headers = [
        ("Content-Type", MEDIA_TYPE),
        ("Cache-Control", "no-store"),
        ("Connection", "close"),
    ]
    start_response(f"{status} {body['title']}", headers)
    return [json.dumps(body).encode()]


def _content_type(value: str) -> str:
    """Keep the type, and the boundary of a form: Django fails on odd or unknown parameters."""
    if len(value) > MEDIA_TYPE_LENGTH:
        return value.partition(";")[0]
    try:
        media_type, parameters = parse_header_parameters(value)
    except ValueError:
        return value.partition(";")[0]
    boundary = parameters.get("boundary")
    return f"{media_type}; boundary={boundary}" if boundary else media_type
