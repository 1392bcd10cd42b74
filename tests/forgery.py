"""Tokens taken apart, and tokens that the service would never make."""

import json
import time
import uuid
from typing import Any

import jwt
from django.conf import settings

from authapi import keys


def payload(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


def header(token: str) -> dict[str, Any]:
    return jwt.get_unverified_header(token)


def forge(
    claims: dict[str, Any],
    headers: dict[str, Any] | None = None,
    **replaced: Any,
) -> str:
    """
    Sign *claims* with the service's own key, with some of them *replaced* (``...`` removes one).
    """
    key = keys.signing_key()
    assert key.private
    merged = {k: v for k, v in {**claims, **replaced}.items() if v is not ...}
    return jwt.PyJWS().encode(
        json.dumps(merged).encode(),
        key.private,
        key.algorithm,
        {"kid": key.kid, **(headers or {})},
    )


def fresh_claims(user: Any, session: Any, kind: str = "access") -> dict[str, Any]:
    now = int(time.time())
    return {
        "token_type": kind,
        "iat": now,
        "exp": now + 300,
        "jti": uuid.uuid4().hex,
        "sub": str(user.pk),
        "user_id": str(user.pk),
        "sid": str(session.pk),
        "iss": settings.JWT_ISSUER,
        "aud": settings.JWT_AUDIENCE,
    }
