"""The two JWT implementations behind one interface, so that the same tests run against both."""

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
from authapi.tokens.claims import Claims


@dataclass(frozen=True)
class Variant:
    name: str
    login: str
    profile: str
    token: str  # the member of the login's answer that authenticates
    kind: str
    read: Callable[[str], Claims]

    @property
    def key(self) -> keys.Key:
        """The key of its valid tokens. The manual variant has no ``kid``."""
        if self.name == "manual":
            secret = signing_key()
            return keys.Key("", "HS256", private=secret, public=secret, jwk={})
        ring = keys.refresh_ring() if self.kind == "refresh" else keys.ring()
        return keys.signing(ring)

    @property
    def headers(self) -> dict[str, Any]:
        """The header of its valid tokens."""
        if self.name == "manual":
            return {"alg": "HS256", "typ": "JWT"}
        typ = "rt+jwt" if self.kind == "refresh" else "at+jwt"
        return {"alg": self.key.algorithm, "kid": self.key.kid, "typ": typ}

    def claims(self, user: User, session: Session) -> dict[str, Any]:
        """Claims of a valid token."""
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

        The token is assembled by hand, because a library would refuse many forgeries.
        """
        if not isinstance(claims, bytes):
            merged = {k: v for k, v in {**claims, **replaced}.items() if v is not ...}
            claims = json.dumps(merged).encode()
        parts = [json.dumps({**self.headers, **(headers or {})}).encode(), claims]
        signed = b".".join(base64url_encode(part) for part in parts)
        algorithm = jwt.PyJWS().get_algorithm_by_name(self.headers["alg"])
        signature = algorithm.sign(signed, algorithm.prepare_key(self.key.private))
        return (signed + b"." + base64url_encode(signature)).decode()


# The main variant's other token: what it takes in place of an access token.
REFRESH = Variant(
    name="refresh",
    login="/api/token/",
    profile="/api/token/refresh/",
    token="refresh",
    kind="refresh",
    read=codec.read_refresh,
)
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
