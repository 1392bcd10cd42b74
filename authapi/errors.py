"""
What this service answers when it says no. Clients branch on ``code``; ``detail`` is for people.

    APIException
    ├── Unauthorized               401
    │   ├── BadCredentials         401  no_active_account
    │   └── TokenRejected          401  token_not_valid
    │       ├── TokenExpired       401  token_expired
    │       ├── SessionEnded       401  session_ended
    │       └── SessionReplayed    401  token_reused
    ├── BodyTooLarge               413  body_too_large
    └── Unavailable                503  unavailable

The others are Django's and DRF's own; ``Code`` names them all.
"""

from django.db.models import TextChoices
from rest_framework.exceptions import APIException


class Code(TextChoices):
    """The closed list of ``code`` in a problem."""

    INVALID = "invalid"
    PARSE_ERROR = "parse_error"
    NO_ACTIVE_ACCOUNT = "no_active_account"
    NOT_AUTHENTICATED = "not_authenticated"
    TOKEN_NOT_VALID = "token_not_valid"
    TOKEN_EXPIRED = "token_expired"
    SESSION_ENDED = "session_ended"
    TOKEN_REUSED = "token_reused"
    PERMISSION_DENIED = "permission_denied"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    BODY_TOO_LARGE = "body_too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    THROTTLED = "throttled"
    SERVER_ERROR = "server_error"
    UNAVAILABLE = "unavailable"


class Unauthorized(APIException):
    """
    Nobody is let in.

    Not DRF's ``AuthenticationFailed``: that one turns into a 403 on a view without authentication.
    """

    status_code = 401
    # A 401 must carry it (RFC 9110, section 15.5.2).
    auth_header = 'Bearer realm="api"'


class BadCredentials(Unauthorized):
    """Unknown user, wrong password or inactive account: which, is not told."""

    default_code = Code.NO_ACTIVE_ACCOUNT.value
    default_detail = "No active account found with the given credentials."


class TokenRejected(Unauthorized):
    """The presented token lets nobody in (RFC 6750, section 3.1)."""

    default_code = Code.TOKEN_NOT_VALID.value
    default_detail = "The token is not valid. Sign in to get a new one."
    auth_header = 'Bearer realm="api", error="invalid_token"'


class TokenExpired(TokenRejected):
    """The access token was good, and its time is over."""

    default_code = Code.TOKEN_EXPIRED.value
    default_detail = "The access token has expired. Refresh it, or sign in again."


class SessionEnded(TokenRejected):
    """The session has ended or expired, or never was."""

    default_code = Code.SESSION_ENDED.value
    default_detail = "The session has ended. Sign in again."


class SessionReplayed(TokenRejected):
    """A spent refresh token was presented again (RFC 9700, section 4.14.2)."""

    default_code = Code.TOKEN_REUSED.value
    default_detail = (
        "This refresh token was used before, so its session has been ended. "
        "Sign in again."
    )


class BodyTooLarge(APIException):
    status_code = 413
    default_code = Code.BODY_TOO_LARGE.value
    default_detail = "The body is larger than 64 kB."


class Unavailable(APIException):
    """The service cannot do this now, and could in *wait* seconds: it is busy, or Redis is down."""

    status_code = 503
    default_code = Code.UNAVAILABLE.value
    default_detail = "The service is busy. Try again in a moment."
    wait = 1
