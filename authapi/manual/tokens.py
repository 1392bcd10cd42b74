"""
How a JSON Web Token is made and checked. Read it from top to bottom.

A token is three parts of base64url with dots between them: a header that names the algorithm, the
claims, and a signature over both (RFC 7515, section 3.1). Anyone can read it, but only the holder of
the key can make one. The checks below are all that protects an account.
"""

import re
import uuid
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from django.conf import settings
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


def signing_key(secret: str | None = None) -> bytes:
    """
    Return the shared secret that signs and verifies: 256 bits, like the hash (RFC 7518, section 3.2).

    It is derived from *secret*, or ``SECRET_KEY``, for this use only. With a separate key for each kind
    of token, no kind is accepted as another (RFC 8725, section 3.12).
    """
    return salted_hmac(
        "authapi.manual", "signing key", secret=secret, algorithm="sha256"
    ).digest()


def generate_jwt_token(user: User, client: Client = UNKNOWN) -> str:
    """
    Open a session for *user* and return a token for it, valid for an hour.

    A token by itself stays valid until it expires, whatever happens in the meantime. So it names a
    session: a row that can be ended by its owner, by a new password, or by disabling the account. The
    owner sees *client* in the list at ``/api/sessions/``.

    Anyone can read the claims, so they contain no secret, not even a digest of the password. Times are
    whole seconds since the epoch (RFC 7519, section 2), computed from a timezone-aware "now".
    ``utcnow()`` is naive: interpreted as local time, it shifts every expiry by the machine's time zone.

    Raises:
        BadCredentials: the user was disabled or given another password since the check.
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
    Check a token, without the database, and return its claims. Its session may have ended.

    Raises:
        TokenExpired: the token was valid and has expired.
        TokenRejected: the token is invalid in any other way. The reason is not given, because it would
            only help a forger.
    """
    # 1. Each token must have only one text. A lenient decoder ignores foreign characters, padding or
    #    spare bits, so a token has many spellings, and code that blocks or logs tokens by text misses
    #    some.
    parts = re.fullmatch(r"[\w-]+\.[\w-]+\.([\w-]+)", text, re.ASCII)
    if not parts or not _is_canonical(parts[1]):
        raise TokenRejected
    try:
        # 2. The sender chose the header, so it decides nothing: it must be exactly the one that we
        #    write. A `jku`, `jwk` or `x5u` would supply the sender's own key (RFC 8725, section 3.10).
        if jwt.get_unverified_header(text) != {"alg": ALGORITHM, "typ": "JWT"}:
            raise TokenRejected
        # 3. Verify the signature, only with the algorithm of this key. If the header could choose,
        #    `none` would disable the check, and a public key could serve as a shared secret
        #    (RFC 8725, sections 2.1 and 3.1).
        # 4. Require every claim: a token without `exp` would never expire.
        # 5. `iss` and `aud` must be ours, `exp` in the future, `iat` and `nbf` in the past, with a few
        #    seconds of leeway for clock differences (RFC 7519, section 4.1).
        claims = _verified(text)
    except jwt.ExpiredSignatureError as error:
        raise TokenExpired from error
    except jwt.InvalidTokenError as error:
        raise TokenRejected from error
    # 6. Check the kind (RFC 8725, section 3.12), and the type of every claim that is used from here on
    #    (section 3.10). A signature proves who wrote a claim, not that it is well-formed. Some code
    #    would convert `" 52 "`, `52.5` and `[52]` to 52, so nothing is converted here.
    if claims["token_type"] != TOKEN_TYPE or not _are_of_their_type(claims):
        raise TokenRejected
    return AccessClaims(
        session=uuid.UUID(claims["sid"]),
        user_id=claims["user_id"],
        jti=claims["jti"],
        kind=TokenKind.ACCESS,
        expires_at=datetime.fromtimestamp(claims["exp"], UTC),
    )


def _verified(text: str) -> dict[str, Any]:
    """
    Verify with the key of ``SECRET_KEY``, or of a fallback while the secret is being replaced.

    Raises:
        jwt.InvalidTokenError: the token is invalid; a subclass says why.
    """
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        with suppress(jwt.InvalidSignatureError):
            return jwt.decode(
                text,
                signing_key(secret),
                algorithms=[ALGORITHM],
                issuer=simplejwt.api_settings.ISSUER,
                audience=simplejwt.api_settings.AUDIENCE,
                leeway=simplejwt.api_settings.LEEWAY,
                options={"require": CLAIMS},
            )
    raise jwt.InvalidSignatureError


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
        # `type(…) is int`, because True is also an int. The limit is the year 9999, where datetime
        # ends.
        all(type(time) is int and 0 <= time < 253_402_300_800 for time in times)
        and all(isinstance(text, str) for text in texts)
        and claims["sub"] == claims["user_id"]
        and re.fullmatch("[0-9a-f]{32}", claims["jti"]) is not None
        and re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", claims["sid"])
        is not None
    )
