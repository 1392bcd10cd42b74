"""The format of every error answer: problem details (RFC 9457), as ``application/problem+json``."""

import sys
from collections.abc import Callable, Iterator, Mapping
from http.client import responses
from sqlite3 import SQLITE_ERROR
from typing import Any

import redis
import structlog
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.views import defaults
from rest_framework import exceptions
from rest_framework.settings import api_settings

from authapi.errors import Unavailable

_log = structlog.stdlib.get_logger("authapi.outage")

MEDIA_TYPE = "application/problem+json"

# The phrase of each status, which is the title of its problem (RFC 9457, section 4.2.1). Before 3.13,
# Python has older phrases.
PHRASES = {
    **responses,
    413: "Content Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
}

NOT_UNDERSTOOD = "The request cannot be understood: too many parameters, or a host not in ALLOWED_HOSTS."
# The code and detail for Django's own error answers.
_DJANGO = {
    400: ("invalid", NOT_UNDERSTOOD),
    403: ("permission_denied", "This is not allowed."),
    404: ("not_found", "Not found. /api/docs/ lists the available operations."),
    405: ("method_not_allowed", "Use a method that the Allow header names."),
    416: ("invalid", "The requested range is beyond the end of the file."),
}
_REFUSED = ("refused", "The request is refused.")
_SERVER_ERROR = (
    "server_error",
    "The service failed to answer this request. Try again later.",
)


def problem(status: int, code: str, detail: str, **members: Any) -> dict[str, Any]:
    """Return the members of a problem, without those that are None."""
    body = {
        "type": "about:blank",
        "title": PHRASES.get(status, "Refused"),
        "status": status,
        "detail": detail,
        "code": code,
        **members,
    }
    return {name: member for name, member in body.items() if member is not None}


def problem_of(refusal: exceptions.APIException) -> dict[str, Any]:
    """Return the problem for *refusal*, whatever the shape of its detail."""
    codes, errors = refusal.get_codes(), None
    detail = str(refusal.detail)
    if not isinstance(refusal.detail, str):
        errors = dict(_messages(refusal.detail))
        detail = str(refusal.default_detail)
    if isinstance(refusal, exceptions.ValidationError):
        detail = "Some fields are not valid."
    return problem(
        refusal.status_code,
        codes if isinstance(codes, str) else refusal.default_code,
        detail,
        reason=getattr(refusal, "reason", None),
        errors=errors,
        messages=getattr(refusal, "messages", None),
    )


def _messages(detail: Any, path: str = "") -> Iterator[tuple[str, list[str]]]:
    """
    Flatten DRF's errors: the path of each field, with dots (``tags.0.name``), and its messages.

    Errors that concern the whole body are under ``non_field_errors``.
    """
    whole = api_settings.NON_FIELD_ERRORS_KEY
    if isinstance(detail, list) and any(
        isinstance(item, dict | list) for item in detail
    ):
        detail = dict(enumerate(detail))
    if not isinstance(detail, dict):
        messages = detail if isinstance(detail, list) else [detail]
        if messages:
            yield path or whole, [str(message) for message in messages]
        return
    for name, inner in detail.items():
        yield from _messages(
            inner, ".".join(filter(None, (path, "" if name == whole else str(name))))
        )


def answer(
    body: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> JsonResponse:
    """Return the response that carries a problem."""
    return JsonResponse(
        body,
        status=body["status"],
        content_type=MEDIA_TYPE,
        headers=headers,
        # Like DRF's own answers.
        json_dumps_params={"separators": (",", ":"), "ensure_ascii": False},
    )


def refused(refusal: exceptions.APIException) -> JsonResponse:
    """Return the response for a rejected request."""
    headers = {}
    if auth_header := getattr(refusal, "auth_header", None):
        headers["WWW-Authenticate"] = auth_header
    if hasattr(refusal, "wait"):
        # A throttle may not know how long to wait.
        headers["Retry-After"] = str(refusal.wait or 1)
    return answer(problem_of(refusal), headers)


def exception_handler(
    exc: Exception, context: Mapping[str, Any]
) -> JsonResponse | None:
    """DRF's exception handler: an API exception becomes a problem. The middleware handles the rest."""
    if isinstance(exc, Http404):
        exc = exceptions.NotFound()
    elif isinstance(exc, PermissionDenied):
        exc = exceptions.PermissionDenied()
    elif is_outage(exc):
        exc = _unavailable(exc)
    if not isinstance(exc, exceptions.APIException):
        return None
    return refused(exc)


def is_outage(error: BaseException | None) -> bool:
    """
    Whether *error* means that the database or Redis cannot be used at the moment.

    It may be down, full, locked or too slow. This is no fault of the code, and the same request can
    succeed later.
    """
    if isinstance(error, OperationalError):
        # SQLite's code for a statement that is wrong, for example because a table is missing.
        return getattr(error.__cause__, "sqlite_errorcode", None) != SQLITE_ERROR
    if isinstance(error, DatabaseError):
        # PostgreSQL is read-only, as a replica is.
        return getattr(error.__cause__, "sqlstate", None) == "25006"
    outages = InterfaceError, redis.ConnectionError, redis.TimeoutError
    return isinstance(error, outages)


def _unavailable(error: BaseException | None) -> Unavailable:
    _log.error("unavailable", error=str(error).partition("\n")[0])
    return Unavailable()


def server_error(request: HttpRequest) -> HttpResponseBase:
    """Django's ``handler500``: the answer to an exception that no one else has handled."""
    error = sys.exc_info()[1]
    if not is_outage(error):
        return defaults.server_error(request)
    return refused(_unavailable(error))


class ProblemMiddleware:
    """Turn error answers of Django and plain views into problems. The admin keeps its own pages."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        status = response.status_code
        resolved = request.resolver_match
        if (
            status < 400
            or (resolved and resolved.app_name == "admin")
            or not response.headers.get("Content-Type", "text/html").startswith("text/")
        ):
            return response
        kept = {
            name: value
            for name, value in response.headers.items()
            if name not in {"Content-Type", "Content-Length"}
        }
        usual = _REFUSED if status < 500 else _SERVER_ERROR
        made = answer(problem(status, *_DJANGO.get(status, usual)), kept)
        # Django's marker. Without it, a 500 would be logged twice.
        vars(made)["_has_been_logged"] = True
        return made

    def process_exception(
        self, request: HttpRequest, exc: Exception
    ) -> HttpResponseBase | None:
        return refused(exc) if isinstance(exc, exceptions.APIException) else None
