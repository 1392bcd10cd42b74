"""
The token codec, built on simplejwt: it encodes a session as a pair of tokens, and decodes a token to
claims.

``AccessToken`` and ``RefreshToken`` are simplejwt's ``Token``, bound to a session. Access tokens follow
RFC 9068, and any service that has our public keys can verify them. Refresh tokens are only for this
service. They have a different audience, kind of key and ``typ``, so that no service confuses the two
(RFC 8725, section 3.12).
"""

import json
import re
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

import jwt
from django.conf import settings
from django.utils.module_loading import import_string
from rest_framework_simplejwt import settings as simplejwt
from rest_framework_simplejwt.exceptions import (
    ExpiredTokenError,
    TokenError,
)
from rest_framework_simplejwt.tokens import Token

from authapi.errors import SessionEnded, TokenExpired, TokenRejected
from authapi.tokens import keys
from authapi.tokens.backends import KeyBackend
from authapi.tokens.claims import (
    AccessClaims,
    Claims,
    RefreshClaims,
    TokenKind,
    TokenPair,
)

if TYPE_CHECKING:
    from authapi.models import Session

C = TypeVar("C", bound=Claims)

_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.([A-Za-z0-9_-]+)")
_HEADER = {"alg", "kid", "typ"}
_REFRESH_AUDIENCE = "/api/token/refresh/"
# What ``ACCESS_TOKEN_CLAIMS`` must not name.
RESERVED = {
    *("iss", "sub", "aud", "exp", "nbf", "iat", "jti"),
    *("client_id", "scope", "sid", "token_type", "user_id"),
}


def issue(session: "Session", *, at: datetime) -> TokenPair:
    """
    Return the session's current pair.

    The refresh token depends only on the row: calling this twice gives the same claims. The access
    token lasts for ``ACCESS_TOKEN_LIFETIME`` from *at*, but never longer than the session.
    """
    lifetime = simplejwt.api_settings.ACCESS_TOKEN_LIFETIME
    access = AccessToken.of(
        session,
        jti=uuid.uuid4().hex,
        issued_at=at,
        expires_at=min(at + lifetime, session.expires_at),
    )
    access["client_id"] = settings.JWT_CLIENT_ID
    for name, path in settings.ACCESS_TOKEN_CLAIMS.items():
        access[name] = import_string(path)(session.user)
    refresh = RefreshToken.of(
        session,
        jti=session.current_jti,
        issued_at=session.rotated_at,
        expires_at=session.expires_at,
    )
    return TokenPair(access=str(access), refresh=str(refresh))


def read_access(text: str) -> AccessClaims:
    """
    Check an access token, without the database, and return its claims. Its session may have ended.

    Raises:
        TokenExpired: the token was valid and has expired.
        TokenRejected: the token is invalid in any other way.
    """
    try:
        return _read(text, AccessToken, AccessClaims)
    except ExpiredTokenError as error:
        raise TokenExpired from error


def read_refresh(text: str) -> RefreshClaims:
    """
    Check a refresh token, without the database, and return its claims. It may have been spent.

    Raises:
        SessionEnded: the token has expired, and its session with it.
        TokenRejected: the token is invalid in any other way.
    """
    try:
        return _read(text, RefreshToken, RefreshClaims)
    except ExpiredTokenError as error:
        raise SessionEnded from error


def read(text: str) -> AccessClaims | RefreshClaims:
    """
    Check a token of either kind, without the database, and return its claims.

    Raises:
        TokenExpired, SessionEnded, TokenRejected: as in ``read_access`` or ``read_refresh``.
    """
    try:
        header = _header(text.partition(".")[0])
    except TokenError as error:
        raise TokenRejected from error
    if header.get("typ") == RefreshToken.typ:
        return read_refresh(text)
    return read_access(text)


def _read(text: str, token_class: "type[SessionToken]", claims_class: type[C]) -> C:
    try:
        payload = token_class(text).payload  # type: ignore[arg-type]  # simplejwt means str
    except ExpiredTokenError:
        raise
    except TokenError as error:
        raise TokenRejected from error
    return claims_class(
        session=uuid.UUID(payload["sid"]),
        user_id=payload["user_id"],
        jti=payload["jti"],
        kind=TokenKind(payload["token_type"]),
        expires_at=datetime.fromtimestamp(payload["exp"], UTC),
    )


class SessionToken(Token):
    """simplejwt's token, bound to a session and to the key ring."""

    # simplejwt requires a lifetime; ``of`` sets the times from the session's row.
    lifetime = timedelta()
    typ: str
    ring: Callable[[], keys.Ring]
    audience: Callable[[], str]

    @classmethod
    def of(
        cls, session: "Session", *, jti: str, issued_at: datetime, expires_at: datetime
    ) -> "SessionToken":
        token = cls()
        token.payload |= {
            "jti": jti,
            "iat": int(issued_at.timestamp()),
            "exp": int(expires_at.timestamp()),
            "sub": str(session.user_id),
            "user_id": str(session.user_id),
            "sid": str(session.pk),
        }
        return token

    @cached_property
    def token_backend(self) -> KeyBackend:
        key = self._named_key() if self.token else keys.signing(self.ring())
        issuer = simplejwt.api_settings.ISSUER
        return _backend(key, issuer, self.audience(), self.typ)

    def _named_key(self) -> keys.Key:
        """
        Return the key that the token's header names.

        The header must have exactly the members that we write: ``jku``, ``jwk``, ``x5u`` and ``crit``
        are never used (RFC 8725, section 3.10). The encoding must be canonical, so that each token has
        only one text.
        """
        text = str(self.token)
        compact = _COMPACT.fullmatch(text)
        if not compact or not _canonical(compact[1]):
            raise TokenError("The token is not three parts of base64url.")
        header = _header(text.partition(".")[0])
        key = self.ring().get(str(header.get("kid")))
        if not key or set(header) != _HEADER or header["typ"] != self.typ:
            raise TokenError("The header is not one of ours.")
        return key


class AccessToken(SessionToken):
    """Authenticates requests, here and at other services (RFC 9068)."""

    token_type = TokenKind.ACCESS.value
    typ = "at+jwt"
    ring = staticmethod(keys.ring)

    @staticmethod
    def audience() -> str:
        return str(simplejwt.api_settings.AUDIENCE)


class RefreshToken(SessionToken):
    """Can be exchanged for one new pair, at this service only."""

    token_type = TokenKind.REFRESH.value
    typ = "rt+jwt"
    ring = staticmethod(keys.refresh_ring)

    @staticmethod
    def audience() -> str:
        return f"{simplejwt.api_settings.ISSUER}{_REFRESH_AUDIENCE}"


@lru_cache(maxsize=64)
def _header(part: str) -> Mapping[str, Any]:
    """
    Parse the first part of a token. The tokens of one kind and key share it.

    Raises:
        TokenError: it is not a JSON object.
    """
    try:
        header = json.loads(jwt.utils.base64url_decode(part))
    except (ValueError, RecursionError) as error:
        raise TokenError("The header cannot be read.") from error
    if not isinstance(header, dict):
        raise TokenError("The header is not an object.")
    return header


@lru_cache(maxsize=16)
def _backend(key: keys.Key, issuer: str, audience: str, typ: str) -> KeyBackend:
    return KeyBackend(key, issuer, audience, typ)


def _canonical(part: str) -> bool:
    try:
        decoded = jwt.utils.base64url_decode(part)
    except ValueError:
        return False
    return jwt.utils.base64url_encode(decoded).decode() == part
