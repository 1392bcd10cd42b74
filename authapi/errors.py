"""
The errors of this service. Clients branch on ``code`` and ``reason``; ``detail`` is for people.

    APIException
    ├── Unauthorized               401
    │   ├── NoToken                401  not_authenticated
    │   ├── BadCredentials         401  no_active_account
    │   └── TokenRejected          401  token_not_valid
    │       ├── TokenExpired       401  token_not_valid, reason expired
    │       ├── SessionEnded       401  token_not_valid, reason session_ended
    │       └── SessionReplayed    401  token_not_valid, reason reused
    ├── BodyTooLarge               413  body_too_large
    ├── HeaderTooLarge             431  header_too_large
    └── Unavailable                503  unavailable

All other errors are DRF's own, with DRF's codes. An application defines its own classes next to its
views. An operation declares the errors that it raises (``authapi.http.operation``).
"""

from django.conf import settings
from rest_framework.exceptions import APIException, NotAuthenticated


class Unauthorized(APIException):
    """
    The request is not authenticated.

    This is not DRF's ``AuthenticationFailed``, which becomes a 403 on a view without authentication.
    """

    status_code = 401
    # A 401 must carry it (RFC 9110, section 15.5.2).
    auth_header = 'Bearer realm="api"'


class NoToken(Unauthorized):
    """No token was sent. Code and text are DRF's."""

    default_code = NotAuthenticated.default_code
    default_detail = NotAuthenticated.default_detail


class BadCredentials(Unauthorized):
    """Unknown user, wrong password or inactive account; the answer does not say which."""

    default_code = "no_active_account"
    # Exactly simplejwt's text, because login forms compare it.
    default_detail = "No active account found with the given credentials"


class TokenRejected(Unauthorized):
    """The presented token is not accepted (RFC 6750, section 3.1)."""

    default_code = "token_not_valid"
    default_detail = "The token is not valid. Sign in to get a new one."
    auth_header = 'Bearer realm="api", error="invalid_token"'
    # Which case of the code this is; None if a client could not act on it.
    reason: str | None = None
    # The token that was rejected, in simplejwt's format; None if no request was authenticated with it.
    messages: list[dict[str, str]] | None = None


class TokenExpired(TokenRejected):
    """The access token was valid and has expired."""

    default_detail = "The access token has expired. Refresh it, or sign in again."
    reason = "expired"


class SessionEnded(TokenRejected):
    """The session has ended or expired, or never existed."""

    default_detail = "The session has ended. Sign in again."
    reason = "session_ended"


class SessionReplayed(TokenRejected):
    """A spent refresh token was presented again (RFC 9700, section 4.14.2)."""

    default_detail = (
        "This refresh token was used before, so its session has been ended. "
        "Sign in again."
    )
    reason = "reused"


class BodyTooLarge(APIException):
    """
    The body is larger than the operation accepts.

    Args:
        limit: the maximum size in bytes; ``MAX_BODY_BYTES`` if None.
    """

    status_code = 413
    default_code = "body_too_large"

    def __init__(self, limit: int | None = None) -> None:
        size = _size(limit or settings.MAX_BODY_BYTES)
        super().__init__(f"The body is larger than {size}.")


class HeaderTooLarge(APIException):
    """A header is longer than any client of this service needs (RFC 6585, section 5)."""

    status_code = 431
    default_code = "header_too_large"
    default_detail = "The Authorization header is larger than 8 kB."


class Unavailable(APIException):
    """The service is busy. The client should retry after *wait* seconds."""

    status_code = 503
    default_code = "unavailable"
    default_detail = "The service is busy. Try again in a moment."
    wait = 1


def _size(count: int) -> str:
    for unit, size in (("MB", 1024 * 1024), ("kB", 1024)):
        if count >= size:
            return f"{count / size:.4g} {unit}"
    return f"{count} bytes"
