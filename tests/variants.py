"""The two implementations of JWT as one shape, so that the same tests run against both."""

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jwt
from django.conf import settings
from jwt.utils import base64url_encode

from authapi.manual.tokens import read_jwt_token, signing_key
from authapi.models import Session, User
from authapi.tokens import codec, keys
from authapi.tokens.claims import AccessClaims


@dataclass(frozen=True)
class Variant:
    name: str
    login: str
    profile: str
    token: str  # the member of the login's answer that authenticates
    kind: str
    read: Callable[[str], AccessClaims]

    @property
    def headers(self) -> dict[str, Any]:
        """The header of its good tokens."""
        if self.name == "manual":
            return {"alg": "HS256", "typ": "JWT"}
        key = keys.signing_key()
        return {"alg": key.algorithm, "kid": key.kid, "typ": "JWT"}

    def claims(self, user: User, session: Session) -> dict[str, Any]:
        """Claims of a good token."""
        now = int(time.time())
        return {
            "token_type": self.kind,
            "iat": now,
            "exp": now + 300,
            "jti": uuid.uuid4().hex,
            "sub": str(user.pk),
            "user_id": str(user.pk),
            "username": user.username,
            "sid": str(session.pk),
            "iss": settings.SIMPLE_JWT["ISSUER"],
            "aud": settings.SIMPLE_JWT["AUDIENCE"],
        }

    def sign(
        self,
        claims: dict[str, Any] | bytes,
        headers: dict[str, Any] | None = None,
        **replaced: Any,
    ) -> str:
        """
        Sign with the service's own key, some claims *replaced* (``...`` removes one).

        Put together here, for a library refuses to write much of what an attacker would.
        """
        if not isinstance(claims, bytes):
            merged = {k: v for k, v in {**claims, **replaced}.items() if v is not ...}
            claims = json.dumps(merged).encode()
        parts = [json.dumps({**self.headers, **(headers or {})}).encode(), claims]
        signed = b".".join(base64url_encode(part) for part in parts)
        algorithm = jwt.PyJWS().get_algorithm_by_name(self.headers["alg"])
        key = signing_key() if self.name == "manual" else keys.signing_key().private
        signature = algorithm.sign(signed, algorithm.prepare_key(key))
        return (signed + b"." + base64url_encode(signature)).decode()


VARIANTS = {
    "main": Variant(
        name="main",
        login="/api/token/",
        profile="/api/profile/",
        token="access",
        kind="access",
        read=codec.read_access,
    ),
    "manual": Variant(
        name="manual",
        login="/api/manual/login/",
        profile="/api/manual/profile/",
        token="token",
        kind="manual",
        read=read_jwt_token,
    ),
}
