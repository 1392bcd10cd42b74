"""The one shape of every error answer: problem details (RFC 9457), in ``application/problem+json``."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from rest_framework import exceptions

from authapi.errors import Code

MEDIA_TYPE = "application/problem+json"

NOT_UNDERSTOOD = "The request cannot be understood: too many parameters, or a host not in ALLOWED_HOSTS."
# What Django says by itself, as a code and what to do.
_DJANGO: dict[int, tuple[Code, str]] = {
    400: (Code.INVALID, NOT_UNDERSTOOD),
    403: (Code.PERMISSION_DENIED, "This is not allowed."),
    404: (Code.NOT_FOUND, "There is nothing here. /api/docs/ lists what there is."),
    405: (Code.METHOD_NOT_ALLOWED, "Use a method that the Allow header names."),
    416: (Code.INVALID, "The file is shorter than the range that is asked for."),
}
_SERVER_ERROR = (Code.SERVER_ERROR, "Something broke here. Try again later.")


def problem(
    status: int,
    code: str,
    detail: str,
    errors: Mapping[str, list[str]] | None = None,
) -> dict[str, Any]:
    """Return the members of a problem; ``type`` stays ``about:blank``, *code* says more."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": str(code),
    }
    return body if errors is None else {**body, "errors": errors}


def problem_of(refusal: exceptions.APIException) -> dict[str, Any]:
    """Return what is answered when *refusal* is raised."""
    status = refusal.status_code
    if isinstance(refusal, exceptions.ValidationError):
        messages = _messages(refusal.detail)
        return problem(status, Code.INVALID, "Some fields are not valid.", messages)
    return problem(status, str(refusal.get_codes()), str(refusal.detail))


def answer(
    body: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> JsonResponse:
    """Return the response that carries a problem."""
    return JsonResponse(
        body,
        status=body["status"],
        content_type=MEDIA_TYPE,
        headers=headers,
        # As DRF's own answers.
        json_dumps_params={"separators": (",", ":"), "ensure_ascii": False},
    )


def exception_handler(
    exc: Exception, context: Mapping[str, Any]
) -> JsonResponse | None:
    """DRF's handler: what a view refuses becomes a problem; the rest is for the middleware."""
    if not isinstance(exc, exceptions.APIException):
        return None
    headers = {}
    if auth_header := getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = auth_header
    if wait := getattr(exc, "wait", None):
        headers["Retry-After"] = str(wait)
    return answer(problem_of(exc), headers)


class ProblemMiddleware:
    """Turn what Django and plain views refuse into a problem; the admin keeps its pages."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        status = response.status_code
        if (
            status < 400
            or request.path.startswith("/admin/")
            or not response.headers.get("Content-Type", "text/html").startswith("text/")
        ):
            return response
        kept = {
            name: value
            for name, value in response.headers.items()
            if name not in {"Content-Type", "Content-Length"}
        }
        made = answer(problem(status, *_DJANGO.get(status, _SERVER_ERROR)), kept)
        # Django's mark; without it a 500 would be logged again.
        vars(made)["_has_been_logged"] = True
        return made

    def process_exception(
        self, request: HttpRequest, exc: Exception
    ) -> HttpResponseBase | None:
        return exception_handler(exc, {})


def _messages(detail: Any) -> dict[str, list[str]]:
    """DRF's errors as plain text: field to messages, ``non_field_errors`` for the body as a whole."""
    return {
        field: [str(message) for message in found] for field, found in detail.items()
    }
