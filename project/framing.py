"""
What comes before Django: a request is whole, and not too large, or it is refused.

A body is read before Django is asked, by a thread that costs little to wait with: clients that send
slowly do not keep the others out until they are as many as the server's threads.
"""

import json
from collections.abc import Callable, Iterable
from functools import lru_cache
from tempfile import SpooledTemporaryFile
from threading import BoundedSemaphore
from typing import Any

from django.conf import settings
from django.core.handlers.wsgi import get_path_info
from django.urls import Resolver404, resolve
from django.utils.http import parse_header_parameters
from rest_framework.exceptions import APIException, ParseError

from authapi import passwords
from authapi.errors import BodyTooLarge
from authapi.http.operation import body_limit
from authapi.http.problems import MEDIA_TYPE, problem_of

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]

# How many requests Python works on at once, beside those that hash a password or wait for it.
OTHERS = 7
# Django reads the parameters of a media type in a time that grows with the square of their length.
MEDIA_TYPE_LENGTH = 1000
# What is larger is kept in a file while it is read.
_IN_MEMORY = 1024 * 1024


def framed(application: Application) -> Application:
    """Wrap a WSGI application so that it sees whole requests, no larger than their operation takes."""
    working = BoundedSemaphore(
        settings.PASSWORD_HASHES_AT_ONCE + passwords.WAITING + OTHERS
    )

    def wrapped(environ: Environ, start_response: Any) -> Iterable[bytes]:
        environ["CONTENT_TYPE"] = _content_type(environ.get("CONTENT_TYPE", ""))
        if len(environ.get("HTTP_ACCEPT", "")) > MEDIA_TYPE_LENGTH:
            del environ["HTTP_ACCEPT"]
        try:
            _read_body(environ)
        except APIException as refusal:
            return _refuse(start_response, refusal)
        with working:
            return application(environ, start_response)

    return wrapped


def _read_body(environ: Environ) -> None:
    declared = environ.get("CONTENT_LENGTH") or "0"
    chunked = "HTTP_TRANSFER_ENCODING" in environ
    if not chunked and declared == "0":
        return
    limit = _limit(get_path_info(environ), environ["REQUEST_METHOD"])
    if not chunked and int(declared) > limit:
        raise BodyTooLarge(limit)
    body = _Body(_IN_MEMORY)
    while (length := body.tell()) <= limit:
        part = environ["wsgi.input"].read(min(_IN_MEMORY, limit + 1 - length))
        if not part:
            break
        body.write(part)
    if length > limit:
        raise BodyTooLarge(limit)
    if not chunked and length != int(declared):
        raise ParseError("The body is shorter than its Content-Length.")
    body.seek(0)
    environ["CONTENT_LENGTH"] = str(length)
    environ["wsgi.input"] = body


class _Body(SpooledTemporaryFile[bytes]):
    """Lives as long as the request: whatever reads it last closes it."""

    def __del__(self) -> None:
        self.close()


@lru_cache(maxsize=1024)
def _limit(path: str, method: str) -> int:
    try:
        return body_limit(resolve(path).func, method)
    except Resolver404:
        return settings.MAX_BODY_BYTES


def _refuse(start_response: Any, refusal: APIException) -> Iterable[bytes]:
    body = problem_of(refusal)
    # What is left of the body is not read, so the server hangs up: whoever keeps connections, such
    # as a proxy, must not send the next request on this one.
    headers = [
        ("Content-Type", MEDIA_TYPE),
        ("Cache-Control", "no-store"),
        ("Connection", "close"),
    ]
    start_response(f"{body['status']} {body['title']}", headers)
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
