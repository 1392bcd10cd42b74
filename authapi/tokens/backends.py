"""
The backend of one key: it signs claims, and verifies the signature and the claims of a token.
"""

import hashlib
import re
import time
import uuid
from collections.abc import Mapping
from typing import Any

import jwt
from rest_framework_simplejwt import settings as simplejwt
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import (
    TokenBackendError,
    TokenBackendExpiredToken,
)

from authapi.tokens import keys

_JTI = re.compile(r"[0-9a-f]{32}")
_YEAR_9999 = 253402300799
# How many tokens a backend remembers. Each takes about 1.5 kB.
_REMEMBERED = 1024


class KeyBackend(TokenBackend):
    """
    simplejwt's backend for one key of the ring. It writes the ``kid`` and checks the types of the
    claims.

    It remembers the claims of tokens whose signature it has checked, by a digest of their text, because
    a client sends the same access token with many requests. ``iat``, ``nbf`` and ``exp`` are checked each
    time. When a key leaves the ring, its backend is no longer asked.
    """

    def __init__(self, key: keys.Key, issuer: str, audience: str, typ: str) -> None:
        super().__init__(
            algorithm=key.algorithm,
            signing_key=key.private,  # type: ignore[arg-type]  # PyJWT takes key objects
            verifying_key=key.public,  # type: ignore[arg-type]  # likewise
            issuer=issuer,
            audience=audience,
            leeway=simplejwt.api_settings.LEEWAY,
        )
        self.headers = {"kid": key.kid, "typ": typ}
        self._verified: dict[bytes, dict[str, Any]] = {}

    def encode(self, payload: dict[str, Any]) -> str:
        return jwt.encode(
            {**payload, "iss": self.issuer, "aud": self.audience},
            self.prepared_signing_key,
            algorithm=self.algorithm,
            headers=self.headers,
        )

    def decode(self, token: Any, verify: bool = True) -> dict[str, Any]:
        """Return the claims. The signature is always verified, whatever *verify* is."""
        digest = hashlib.sha256(token.encode()).digest()
        payload = self._verified.get(digest)
        if payload is None:
            payload = super().decode(token)
            if not _well_formed(payload):
                raise TokenBackendError("A claim is missing or not of its type.")
            if len(self._verified) >= _REMEMBERED:
                self._verified.clear()
            self._verified[digest] = payload
        now, leeway = time.time(), self.get_leeway().total_seconds()
        if max(payload["iat"], payload.get("nbf", 0)) > now + leeway:
            raise TokenBackendError("The token is not valid yet.")
        if payload["exp"] <= now - leeway:
            raise TokenBackendExpiredToken("The token has expired.")
        return dict(payload)


def _well_formed(payload: Mapping[str, Any]) -> bool:
    """
    Whether every claim is present and has the right type (RFC 8725, section 3.10). Nothing is
    converted.

    PyJWT has checked the types of ``iss``, ``aud``, ``sub`` and ``jti``, but accepts some invalid
    times.
    """
    times = [payload.get("iat"), payload.get("exp"), payload.get("nbf", 0)]
    return (
        all(type(time) is int and 0 <= time <= _YEAR_9999 for time in times)
        and isinstance(payload.get("user_id"), str)
        and payload.get("sub") == payload["user_id"]
        and _JTI.fullmatch(payload.get("jti", "")) is not None
        and _is_uuid(payload.get("sid"))
    )


def _is_uuid(value: Any) -> bool:
    try:
        return isinstance(value, str) and str(uuid.UUID(value)) == value
    except ValueError:
        return False
