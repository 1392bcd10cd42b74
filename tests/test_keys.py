"""The key ring and ``/.well-known/jwks.json``."""

import hashlib
import io
import json

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from django.core.management import call_command

from authapi.tokens import keys
from tests.conftest import assert_problem
from tests.payload import header


def pem(private) -> str:
    return private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def public_pem(text: str) -> str:
    private = serialization.load_pem_private_key(text.encode(), None)
    return (
        private.public_key()
        .public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        .decode()
    )


class TestRotation:
    @pytest.mark.parametrize(
        "keep", [lambda old: old, public_pem], ids=["both", "public"]
    )
    def test_keeps_sessions_alive(self, api, login, refresh, settings, keep):
        pair = login()
        settings.JWT_KEYS = keys.generate() + keep(settings.JWT_KEYS)

        assert api.profile(pair).status_code == 200
        newer = refresh(pair.json()["refresh"])
        assert newer.status_code == 200
        assert header(newer.json()["access"]) != header(pair.json()["access"])

    def test_tokens_of_a_removed_key_are_rejected(self, api, login, settings):
        pair = login()

        settings.JWT_KEYS = keys.generate()

        assert_problem(api.profile(pair), 401, "token_not_valid")


@pytest.mark.parametrize(
    ("private", "algorithm"),
    [
        (ec.generate_private_key(ec.SECP256R1()), "ES256"),
        (rsa.generate_private_key(65537, 2048), "RS256"),
        (ed25519.Ed25519PrivateKey.generate(), "EdDSA"),
    ],
    ids=["EC", "RSA", "Ed25519"],
)
def test_each_kind_of_key_has_one_algorithm(api, login, settings, private, algorithm):
    settings.JWT_KEYS = pem(private)
    settings.SIMPLE_JWT = {**settings.SIMPLE_JWT, "ALGORITHM": algorithm}

    pair = login()

    assert header(pair.json()["access"])["alg"] == algorithm
    assert api.profile(pair).status_code == 200


class TestJwks:
    def test_another_service_can_verify_a_token(self, api, login, settings):
        token = login().json()["access"]
        answer = api.get("/.well-known/jwks.json")

        key = jwt.PyJWKSet.from_dict(answer.json())[header(token)["kid"]]

        assert jwt.decode(
            token,
            key,
            ["ES256"],
            audience="http://127.0.0.1:8000",
            issuer="http://127.0.0.1:8000",
        )

    def test_is_public_and_cacheable(self, api, settings):
        settings.JWT_KEYS += pem(rsa.generate_private_key(65537, 2048))
        answer = api.get("/.well-known/jwks.json")

        assert answer["Cache-Control"] == "public, max-age=300"
        assert len(answer.json()["keys"]) == 2
        for key in answer.json()["keys"]:
            assert key.keys() <= {
                *["kty", "kid", "alg", "use", "crv", "x", "y", "n", "e"]
            }
            assert key["use"] == "sig"

    def test_the_kid_is_the_thumbprint(self, api):
        """The example in RFC 7638, section 3.1, is for RSA; this is the same rule for EC."""
        (key,) = api.get("/.well-known/jwks.json").json()["keys"]
        members = {name: key[name] for name in ("crv", "kty", "x", "y")}
        digest = hashlib.sha256(json.dumps(members, separators=(",", ":")).encode())

        assert jwt.utils.base64url_encode(digest.digest()).decode() == key["kid"]


def test_newkey_prints_a_usable_key(login, settings):
    out, err = io.StringIO(), io.StringIO()

    call_command("newkey", stdout=out, stderr=err)

    settings.JWT_KEYS = out.getvalue()
    assert header(login().json()["access"])["kid"] in err.getvalue()


@pytest.mark.parametrize("name", ["oauth-authorization-server", "openid-configuration"])
def test_metadata_leads_from_the_issuer_to_its_keys(api, settings, name):
    answer = api.get(f"/.well-known/{name}")

    assert answer.json() == {
        "issuer": settings.PUBLIC_URL,
        "jwks_uri": f"{settings.PUBLIC_URL}/.well-known/jwks.json",
    }
