"""
The key rings: which key signs, which keys are still accepted, and which are published.

Access tokens are signed with the first key of ``JWT_KEYS``, a private key, so that other services can
verify them with its public key. Refresh tokens are only for this service, so their key is a shared
secret derived from ``SECRET_KEY``. Keys derived from ``SECRET_KEY_FALLBACKS`` are still accepted.
"""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.crypto import salted_hmac
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey

# The supported values of ``ALGORITHM``.
_GENERATE: Mapping[str, Callable[[], PrivateKey]] = {
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "RS256": lambda: rsa.generate_private_key(65537, 3072),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}
_PEM_BLOCK = re.compile(r"-----BEGIN ([A-Z ]+)-----.+?-----END \1-----", re.DOTALL)
# The members that a thumbprint is made of (RFC 7638, section 3.2; RFC 8037, section 2).
_THUMBPRINT_MEMBERS = {"EC": "crv kty x y", "RSA": "e kty n", "OKP": "crv kty x"}


@dataclass(frozen=True, slots=True, eq=False)
class Key:
    """
    One key of a ring.

    ``private`` signs, and is None for a key that only verifies. ``public`` verifies. For a shared
    secret, both are the same.
    """

    kid: str
    algorithm: str
    private: PrivateKey | bytes | None
    public: PublicKey | bytes
    jwk: Mapping[str, Any]


Ring = Mapping[str, Key]


def ring() -> Ring:
    """
    Return the keys of access tokens by ``kid``, the signing key first.

    Raises:
        ImproperlyConfigured: ``JWT_KEYS`` holds no usable ring; the message says why.
    """
    return _parse(settings.JWT_KEYS, settings.SIMPLE_JWT["ALGORITHM"])


def refresh_ring() -> Ring:
    """Return the keys of refresh tokens by ``kid``, the signing key first."""
    return _derive((settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


def signing(ring: Ring) -> Key:
    """Return the key of *ring* that signs."""
    return next(iter(ring.values()))


def jwks() -> dict[str, list[Mapping[str, Any]]]:
    """Return the public keys as a JWK Set (RFC 7517, section 5)."""
    return {"keys": [key.jwk for key in ring().values()]}


def generate(algorithm: str = "ES256") -> str:
    """Return a new private key for *algorithm* (ES256, RS256 or EdDSA) as PEM (PKCS #8)."""
    pem = _GENERATE[algorithm]().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return pem.decode()


def kid(pem: str) -> str:
    """Return the ``kid`` of a PEM key: its thumbprint (RFC 7638)."""
    return _key(pem, 1).kid


@lru_cache(maxsize=4)
def _derive(secrets: tuple[str, ...]) -> Ring:
    found = {}
    for secret in secrets:
        key = salted_hmac(
            "authapi.tokens", "refresh", secret=secret, algorithm="sha256"
        ).digest()
        kid = base64.urlsafe_b64encode(hashlib.sha256(key).digest()[:12]).decode()
        found[kid] = Key(kid, "HS256", private=key, public=key, jwk={})
    return found


@lru_cache(maxsize=4)
def _parse(bundle: str, algorithm: str) -> Ring:
    blocks = [match[0] for match in _PEM_BLOCK.finditer(bundle)]
    keys = [_key(block, number) for number, block in enumerate(blocks, start=1)]
    if not keys or keys[0].private is None:
        raise ImproperlyConfigured(
            "JWT_KEYS must begin with a private key in PEM. "
            "`python manage.py newkey` prints one."
        )
    if keys[0].algorithm != algorithm:
        raise ImproperlyConfigured(
            f"The first key of JWT_KEYS is for {keys[0].algorithm}, but ALGORITHM in SIMPLE_JWT "
            f"is {algorithm!r}. Change one of them; `python manage.py newkey` prints a key for the latter."
        )
    ring = {key.kid: key for key in keys}
    if len(ring) < bundle.count("-----BEGIN "):
        raise ImproperlyConfigured(
            "JWT_KEYS contains a key twice, or a block without its END line. Fix or remove it."
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
            f"Key {number} of JWT_KEYS cannot be read. It must be an unencrypted PEM block."
        ) from error
    algorithm, jwk = _algorithm_and_jwk(public, number)
    jwk.pop("key_ops", None)  # redundant with "use" (RFC 7517, section 4.3)
    kid = _thumbprint(jwk)
    return Key(
        kid=kid,
        algorithm=algorithm,
        private=private,  # type: ignore[arg-type]  # of the public key's kind, checked above
        public=public,  # type: ignore[arg-type]  # likewise
        jwk={**jwk, "kid": kid, "alg": algorithm, "use": "sig"},
    )


def _algorithm_and_jwk(public: object, number: int) -> tuple[str, dict[str, Any]]:
    """Each kind of key has one algorithm (RFC 8725, section 3.1)."""
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
