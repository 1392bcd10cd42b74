"""
The key ring: which key signs, which are still accepted, what the world may know of them.

The first key of ``JWT_KEYS`` signs. To rotate, put a new key in front and keep the old one until
the last refresh token that it signed has expired.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey

_PEM_BLOCK = re.compile(r"-----BEGIN ([A-Z ]+)-----.+?-----END \1-----", re.DOTALL)
# The members that a thumbprint is made of (RFC 7638, section 3.2; RFC 8037, section 2).
_THUMBPRINT_MEMBERS = {"EC": "crv kty x y", "RSA": "e kty n", "OKP": "crv kty x"}


@dataclass(frozen=True, slots=True, eq=False)
class Key:
    """One key of the ring. ``private`` is None for a key that only verifies."""

    kid: str
    algorithm: str
    private: PrivateKey | None
    public: PublicKey
    jwk: Mapping[str, Any]


def ring() -> Mapping[str, Key]:
    """
    Return the keys by ``kid``, the signing key first.

    Raises:
        ImproperlyConfigured: ``JWT_KEYS`` holds no usable ring; the message says why.
    """
    return _parse(settings.JWT_KEYS)


def signing_key() -> Key:
    return next(iter(ring().values()))


def jwks() -> dict[str, list[Mapping[str, Any]]]:
    """Return the public keys as a JWK Set (RFC 7517, section 5)."""
    return {"keys": [key.jwk for key in ring().values()]}


def generate() -> str:
    """Return a new ES256 private key as PEM (PKCS #8)."""
    return (
        ec.generate_private_key(ec.SECP256R1())
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        .decode()
    )


def kid(pem: str) -> str:
    """Return the ``kid`` of a PEM key: its thumbprint (RFC 7638)."""
    return _key(pem, 1).kid


@lru_cache(maxsize=4)
def _parse(bundle: str) -> Mapping[str, Key]:
    blocks = [match[0] for match in _PEM_BLOCK.finditer(bundle)]
    keys = [_key(block, number) for number, block in enumerate(blocks, start=1)]
    if not keys or keys[0].private is None:
        raise ImproperlyConfigured(
            "JWT_KEYS must begin with a private key in PEM. "
            "`python manage.py newkey` prints one."
        )
    ring = {key.kid: key for key in keys}
    if len(ring) < bundle.count("-----BEGIN "):
        raise ImproperlyConfigured(
            "JWT_KEYS names a key twice, or a block lacks its END line. Mend or remove it."
        )
    return ring


def _key(pem: str, number: int) -> Key:
    try:
        if "PRIVATE" in pem.splitlines()[0]:
            private = serialization.load_pem_private_key(pem.encode(), password=None)
            public = private.public_key()
        else:
            private, public = None, serialization.load_pem_public_key(pem.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ImproperlyConfigured(
            f"Key {number} of JWT_KEYS cannot be read. Put an unencrypted PEM block there."
        ) from error
    algorithm, jwk = _algorithm_and_jwk(public, number)
    jwk.pop("key_ops", None)  # "use" says it, and not both (RFC 7517, section 4.3)
    kid = _thumbprint(jwk)
    return Key(
        kid=kid,
        algorithm=algorithm,
        private=private,  # type: ignore[arg-type]  # of the public key's kind, checked above
        public=public,  # type: ignore[arg-type]  # likewise
        jwk={**jwk, "kid": kid, "alg": algorithm, "use": "sig"},
    )


def _algorithm_and_jwk(public: object, number: int) -> tuple[str, dict[str, Any]]:
    """One algorithm for a key, by its kind (RFC 8725, section 3.1)."""
    match public:
        case ec.EllipticCurvePublicKey(curve=ec.SECP256R1()):
            return "ES256", ECAlgorithm.to_jwk(public, as_dict=True)
        case rsa.RSAPublicKey() if public.key_size >= 2048:
            return "RS256", RSAAlgorithm.to_jwk(public, as_dict=True)
        case ed25519.Ed25519PublicKey():
            return "EdDSA", OKPAlgorithm.to_jwk(public, as_dict=True)
    raise ImproperlyConfigured(
        f"Key {number} of JWT_KEYS must be EC P-256, Ed25519, or RSA of 2048 bits or more."
    )


def _thumbprint(jwk: Mapping[str, Any]) -> str:
    """RFC 7638: SHA-256 over the required members, in order, without white space."""
    members = {name: jwk[name] for name in _THUMBPRINT_MEMBERS[jwk["kty"]].split()}
    digest = hashlib.sha256(json.dumps(members, separators=(",", ":")).encode())
    return base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()
