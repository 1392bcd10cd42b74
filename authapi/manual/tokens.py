"""
How a JSON Web Token is made and checked. Read it from top to bottom.

A token is three parts of base64url with dots between them: a header that names the algorithm, the
claims, and a signature over both (RFC 7515, section 3.1). Everybody can read it. Only who has the key
can make one, so the checks below are all that stands between a stranger and an account.
"""

import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from django.utils import timezone
from django.utils.crypto import salted_hmac
from rest_framework_simplejwt import settings as simplejwt

from authapi import sessions
from authapi.client import UNKNOWN, Client
from authapi.errors import TokenExpired, TokenRejected
from authapi.models import User
from authapi.tokens.claims import AccessClaims, TokenKind

ALGORITHM = "HS256"
LIFETIME = timedelta(hours=1)
TOKEN_TYPE = "manual"  # noqa: S105  # a kind, not a secret
CLAIMS = [
    "exp",
    "iat",
    "iss",
    "aud",
    "sub",
    "jti",
    "sid",
    "token_type",
    "user_id",
    "username",
]


def signing_key() -> bytes:
    """
    Return the shared secret that signs and checks: 256 bits, as the hash (RFC 7518, section 3.2).

    It is derived from ``SECRET_KEY`` for this use alone: with a key for each kind of token, none
    passes for another (RFC 8725, section 3.12).
    """
    return salted_hmac("authapi.manual", "signing key", algorithm="sha256").digest()


def generate_jwt_token(user: User, client: Client = UNKNOWN) -> str:
    """
    Open a session for *user* and return a token that speaks for it, good for an hour.

    A token is good until it expires, whatever happens meanwhile. So it names a session, a row that
    can be ended: by its owner, by a new password, by whoever disables the account. *client* is where
    the owner sees it from, at ``/api/sessions/``.

    Claims are readable, so nothing secret is among them, no digest of the password either. Times
    are whole seconds since the epoch (RFC 7519, section 2), taken from an aware "now": ``utcnow()``
    is naive, and read as local time it shifts every expiry by the machine's time zone.

    Raises:
        BadCredentials: the user was disabled, or got another password, since it was checked.
    """
    now = timezone.now()
    session = sessions.start(user, client=client, at=now, idle=LIFETIME)
    claims = {
        "iss": simplejwt.api_settings.ISSUER,  # who made it,
        "aud": simplejwt.api_settings.AUDIENCE,  # for whom,
        "sub": str(user.pk),  # about whom (a string: RFC 7519, section 4.1.2),
        "iat": int(now.timestamp()),  # since when
        "exp": int((now + LIFETIME).timestamp()),  # and until when;
        "jti": uuid.uuid4().hex,  # a name of its own,
        "token_type": TOKEN_TYPE,  # a kind, so that no other token passes for it,
        "sid": str(session.pk),  # and a session, so that it can be ended before `exp`.
        "user_id": str(user.pk),
        "username": user.get_username(),
    }
    return jwt.encode(claims, signing_key(), algorithm=ALGORITHM)


def read_jwt_token(text: str) -> AccessClaims:
    """
    Check a token by itself and return its claims; its session may have ended.

    Raises:
        TokenExpired: it was good once.
        TokenRejected: any other fault. Which, is not told: it would help only a forger.
    """
    # 1. One text for one token. A decoder that skips foreign characters, padding or spare bits
    #    gives a token many spellings, and whoever blocks or logs tokens by their text misses some.
    parts = re.fullmatch(r"[\w-]+\.[\w-]+\.([\w-]+)", text, re.ASCII)
    if not parts or not _is_canonical(parts[1]):
        raise TokenRejected
    try:
        # 2. The header is the sender's word and decides nothing: it must be the one that we write.
        #    A `jku`, `jwk` or `x5u` would bring a key along (RFC 8725, section 3.10).
        if jwt.get_unverified_header(text) != {"alg": ALGORITHM, "typ": "JWT"}:
            raise TokenRejected
        # 3. The signature, under the one algorithm that this key is for. Never the header's choice:
        #    `none` would switch the check off, and a public key would pass for a shared secret
        #    (RFC 8725, sections 2.1 and 3.1).
        # 4. The claims that must be there: a token without `exp` would live for ever.
        # 5. `iss` and `aud` are ours; `exp` is ahead, `iat` and `nbf` are behind, give or take the
        #    few seconds by which clocks differ (RFC 7519, section 4.1).
        claims = jwt.decode(
            text,
            signing_key(),
            algorithms=[ALGORITHM],
            issuer=simplejwt.api_settings.ISSUER,
            audience=simplejwt.api_settings.AUDIENCE,
            leeway=simplejwt.api_settings.LEEWAY,
            options={"require": CLAIMS},
        )
    except jwt.ExpiredSignatureError as error:
        raise TokenExpired from error
    except jwt.InvalidTokenError as error:
        raise TokenRejected from error
    # 6. Its kind (RFC 8725, section 3.12), and the type of every claim that is used from here on
    #    (section 3.10). A signature tells who wrote a claim, not that it is sane; `" 52 "`, `52.5`
    #    and `[52]` all become 52 somewhere, so nothing is converted.
    if claims["token_type"] != TOKEN_TYPE or not _are_of_their_type(claims):
        raise TokenRejected
    return AccessClaims(
        session=uuid.UUID(claims["sid"]),
        user_id=claims["user_id"],
        jti=claims["jti"],
        kind=TokenKind.ACCESS,
        expires_at=datetime.fromtimestamp(claims["exp"], UTC),
    )


def _is_canonical(part: str) -> bool:
    try:
        decoded = jwt.utils.base64url_decode(part)
    except ValueError:
        return False
    return jwt.utils.base64url_encode(decoded).decode() == part


def _are_of_their_type(claims: dict[str, Any]) -> bool:
    times = [claims["iat"], claims["exp"], claims.get("nbf", 0)]
    texts = [claims[name] for name in ("user_id", "username", "jti", "sid")]
    return (
        # `type(…) is int`, for True is an int, too; up to the year 9999, where datetime ends.
        all(type(time) is int and 0 <= time < 253_402_300_800 for time in times)
        and all(isinstance(text, str) for text in texts)
        and claims["sub"] == claims["user_id"]
        and re.fullmatch("[0-9a-f]{32}", claims["jti"]) is not None
        and re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", claims["sid"])
        is not None
    )
