"""
The errors of an operation: those that its view's classes imply, and those that it declares.

An application's authenticator, permission, throttle, paginator or filter that raises other errors than
DRF's own classes must declare them in ``refuses``, a tuple of exception classes.
"""

import inspect
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rest_framework import exceptions, permissions, serializers
from rest_framework.exceptions import APIException
from rest_framework.filters import OrderingFilter

from authapi.errors import BodyTooLarge, Unavailable
from authapi.http.operation import limit_of

if TYPE_CHECKING:
    from schema.operations import OperationSchema

# Errors that are raised before a serializer is used.
NOT_PARSED = exceptions.ParseError("The body is not as its Content-Type says.")
OF_ANOTHER_TYPE = exceptions.UnsupportedMediaType("text/plain")
THROTTLED = exceptions.Throttled(12)
# These are the same for every operation.
USUAL = {NOT_PARSED, OF_ANOTHER_TYPE, THROTTLED}

# These only require a user.
_LET_USERS_IN = {permissions.IsAuthenticated, permissions.IsAuthenticatedOrReadOnly}


def refusals(operation: "OperationSchema", *, body: bool) -> Iterator[APIException]:
    """
    Yield every refusal that can reach the caller of *operation*.

    Args:
        body: whether the operation accepts a body.
    """
    view = operation.view
    yield from _of_authentication(operation)
    yield from _of_permissions(view)
    for throttle in view.get_throttles():
        yield from _stated(throttle, THROTTLED)
    if body:
        yield exceptions.ValidationError(_an_error(operation.get_request_serializer()))
        yield NOT_PARSED
        yield OF_ANOTHER_TYPE
        yield BodyTooLarge(limit_of(view, operation.handler))
    if "{" in operation.path:
        yield exceptions.NotFound()
    if operation._is_list_view():
        yield from _of_lists(operation)
    for declared in (
        *getattr(operation.handler, "refuses", ()),
        *getattr(view, "refuses", ()),
    ):
        yield _usual(declared)
    # The database may be down, or the service busy.
    yield Unavailable()


def _usual(refusal: type[APIException]) -> APIException:
    found = (usual for usual in USUAL if type(usual) is refusal)
    return next(found, None) or refusal()


def _of_authentication(operation: "OperationSchema") -> Iterator[APIException]:
    view = operation.view
    authenticators = view.get_authenticators()
    if not authenticators:
        return
    # Without a ``WWW-Authenticate`` header, DRF turns a 401 into a 403.
    status = 401 if view.get_authenticate_header(view.request) else 403
    found = [
        refusal
        for authenticator in authenticators
        for refusal in _stated(authenticator, exceptions.AuthenticationFailed())
    ]
    if any(_asks_for_a_user(p, operation.method) for p in view.get_permissions()):
        found.insert(0, exceptions.NotAuthenticated())
    for refusal in found:
        if isinstance(
            refusal, exceptions.NotAuthenticated | exceptions.AuthenticationFailed
        ):
            refusal.status_code = status
        yield refusal


def _asks_for_a_user(permission: Any, method: str) -> bool:
    if isinstance(permission, permissions.IsAuthenticatedOrReadOnly):
        return method not in permissions.SAFE_METHODS
    return not isinstance(permission, permissions.AllowAny)


def _of_permissions(view: Any) -> Iterator[APIException]:
    for permission in view.get_permissions():
        if type(permission) in {permissions.AllowAny, *_LET_USERS_IN}:
            continue
        said = getattr(permission, "message", None), getattr(permission, "code", None)
        yield from _stated(permission, exceptions.PermissionDenied(*said))


def _of_lists(operation: "OperationSchema") -> Iterator[APIException]:
    paginator = getattr(operation.view, "paginator", None)
    # DRF's paginators that can reject a page have one of these messages.
    texts = ("invalid_page_message", "invalid_cursor_message")
    if any(hasattr(paginator, text) for text in texts):
        yield from _stated(paginator, exceptions.NotFound())
    for backend in operation.get_filter_backends():
        if not issubclass(backend, OrderingFilter):
            error = exceptions.ValidationError({"search": ["Not a valid value."]})
            yield from _stated(backend, error)


def _stated(part: Any, usual: APIException) -> Iterator[APIException]:
    """Yield the errors that a part of a view declares, or the *usual* one."""
    if hasattr(part, "refuses"):
        yield from map(_usual, part.refuses)
    else:
        yield usual


def _an_error(serializer: Any) -> dict[str, list[str]]:
    """Return an example error of *serializer*, for its first writable field."""
    if isinstance(serializer, dict):
        serializer = next(iter(serializer.values()), None)
    if inspect.isclass(serializer) and issubclass(serializer, serializers.Serializer):
        serializer = serializer()
    fields = getattr(serializer, "fields", {})
    writable = (name for name, field in fields.items() if not field.read_only)
    return {next(writable, "non_field_errors"): ["This is not a valid value."]}
