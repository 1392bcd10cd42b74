"""
WSGI middleware before Django: it reads each request completely, and rejects incomplete and oversized
ones.

A request's body is read here, on a server thread, before the request takes one of the few slots for
Python work. So slow clients block others only when they occupy all server threads. A rejection is
passed on to Django, so that it has the same headers as every other answer.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from io import BytesIO
from tempfile import SpooledTemporaryFile
from threading import BoundedSemaphore
from typing import Any

from django.conf import settings
from django.core.handlers.wsgi import get_path_info
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve
from django.utils.http import parse_header_parameters
from rest_framework.exceptions import APIException, ParseError

from authapi.errors import BodyTooLarge, HeaderTooLarge, Unavailable
from authapi.http.operation import body_limit
from authapi.http.problems import refused

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]

_REFUSAL = "project.refusal"
# Django parses the parameters of a media type in time quadratic in their length.
_MEDIA_TYPE_LENGTH = 1000
_AUTHORIZATION_LENGTH = 8 * 1024
# How many seconds a request waits for a slot. A client that has given up may have repeated a refresh and
# spent the new token; its first request, served after that, would end the session as a reuse.
_PATIENCE = 2
# Larger bodies are buffered in a file.
_IN_MEMORY = 1024 * 1024


def complete(application: Application) -> Application:
    """Wrap a WSGI application so that it gets only complete requests within the size limit."""
    turns = BoundedSemaphore(
        settings.PASSWORD_HASHES_AT_ONCE + settings.PASSWORD_LINE + settings.TURNS
    )

    def wrapped(environ: Environ, start_response: Any) -> Iterable[bytes]:
        held = False
        try:
            _clean_headers(environ)
            _read_body(environ)
            # A probe asks whether this process lives, not whether it is busy.
            if not get_path_info(environ).startswith("/health/"):
                held = turns.acquire(timeout=_PATIENCE)
                if not held:
                    raise Unavailable
        except APIException as refusal:
            environ |= {
                _REFUSAL: refusal,
                "CONTENT_LENGTH": "0",
                "wsgi.input": BytesIO(),
            }
        try:
            return application(environ, start_response)
        finally:
            if held:
                turns.release()

    return wrapped


def refusal_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Answer a request that was rejected before it reached Django."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        refusal = request.META.get(_REFUSAL)
        if not refusal:
            return get_response(request)
        response = refused(refusal)
        response["Cache-Control"] = "no-store"
        # The rest of the body is not read, so the server closes the connection. This header stops
        # proxies from reusing it.
        response["Connection"] = "close"
        return response

    return middleware


def _clean_headers(environ: Environ) -> None:
    environ["CONTENT_TYPE"] = _content_type(environ.get("CONTENT_TYPE", ""))
    if len(environ.get("HTTP_ACCEPT", "")) > _MEDIA_TYPE_LENGTH:
        del environ["HTTP_ACCEPT"]
    if len(environ.get("HTTP_AUTHORIZATION", "")) > _AUTHORIZATION_LENGTH:
        raise HeaderTooLarge


def _content_type(value: str) -> str:
    """Keep only the type and the boundary of a form, because Django fails on some other parameters."""
    if len(value) > _MEDIA_TYPE_LENGTH:
        return value.partition(";")[0]
    try:
        media_type, parameters = parse_header_parameters(value)
    except ValueError:
        return value.partition(";")[0]
    boundary = parameters.get("boundary")
    return f"{media_type}; boundary={boundary}" if boundary else media_type


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
    """A file that is closed when its last reader is garbage-collected."""

    def __del__(self) -> None:
        self.close()


@lru_cache(maxsize=1024)
def _limit(path: str, method: str) -> int:
    try:
        return body_limit(resolve(path).func, method)
    except Resolver404:
        return settings.MAX_BODY_BYTES
