"""The key ring and ``/.well-known/jwks.json``."""

import hashlib
import io
import json
import re
from unittest.mock import ANY

import jwt
import pytest
import time_machine
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from django.core.management import call_command
from django.utils import timezone

from authapi.models import User
from authapi.tokens import codec, keys
from tests.conftest import PASSWORD, assert_problem
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
        assert api.profile(pair).status_code == 200

        settings.JWT_KEYS = keys.generate()

        assert_problem(api.profile(pair), 401, "token_not_valid")


class TestATokenSeenBefore:
    """Its signature is not checked again; its times and its session are."""

    @pytest.fixture
    def seen(self, api, login):
        pair = login()
        assert api.profile(pair).status_code == 200
        return pair

    def test_ends_with_its_session(self, api, seen, logout):
        logout(seen.json()["refresh"])

        assert_problem(api.profile(seen), 401, "token_not_valid", "session_ended")

    def test_vouches_for_no_other_text(self, api, seen, login):
        header_and_claims = seen.json()["access"].rpartition(".")[0]
        signature = login().json()["access"].rpartition(".")[2]

        answer = api.get("/api/profile/", f"{header_and_claims}.{signature}")

        assert_problem(answer, 401, "token_not_valid")

    def test_is_accepted_after_many_others(self, api, seen, user):
        session, at = user.sessions.get(), timezone.now()
        for _ in range(1100):
            codec.read_access(codec.issue(session, at=at).access)

        assert api.profile(seen).status_code == 200


@pytest.mark.requirement("RFC 7519 8", "RFC 8725 3.1")
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


NEW_SECRET = "another-secret-that-is-long-enough-for-the-checks-0123456789"


class TestSecretRotation:
    """Of two instances over one database, the other one has another ``SECRET_KEY``."""

    @pytest.fixture
    def swap(self, settings):
        """Return a function that continues on the other instance."""
        secrets = [settings.SECRET_KEY, NEW_SECRET]

        def swap() -> None:
            secrets.reverse()
            settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS = secrets

        secrets.reverse()
        swap()
        return swap

    def test_either_instance_accepts_a_token_of_the_other(
        self, api, swap, user, variant
    ):
        body = {"username": "ada", "password": PASSWORD}
        for _ in range(2):
            token = api.post(variant.login, body).json()[variant.token]

            swap()

            assert api.get(variant.profile, token).status_code == 200

    @pytest.mark.requirement("ASVS 13.3.4")
    def test_either_instance_refreshes_a_token_of_the_other(self, swap, login, refresh):
        newest = login().json()["refresh"]
        for _ in range(4):
            swap()
            answer = refresh(newest)

            assert answer.status_code == 200
            newest = answer.json()["refresh"]

    def test_either_instance_accepts_a_cookie_of_the_other(self, client, db, swap):
        client.force_login(User.objects.create_superuser("root", None, PASSWORD))
        for _ in range(4):
            swap()

            assert client.get("/admin/").status_code == 200


class TestReport:
    def test_names_the_key_that_signs_and_the_accepted_ones(self, login, settings):
        settings.JWT_KEYS += keys.generate()
        access, refresh = login().json().values()
        signing, accepted = keys.ring()

        report = lines(keys_report())

        assert report["signs"] == [f"{signing}  ES256", ANY]
        assert report["accepted"] == [f"{accepted}  ES256"]
        assert header(access)["kid"] == signing
        assert report["signs"][1].startswith(header(refresh)["kid"])

    def test_says_when_the_last_token_of_a_former_key_ends(self, db, settings):
        settings.JWT_KEYS += keys.generate()

        with time_machine.travel("2026-01-31T12:00:00Z", tick=False):
            report = keys_report()

        # An access token's five minutes, and 30 seconds for clocks that differ.
        assert "ends at 2026-01-31T12:05:30+00:00" in report

    def test_counts_the_sessions_that_need_a_former_secret(
        self, login, refresh, logout, settings
    ):
        with time_machine.travel("2026-01-31T12:00:00Z", tick=False):
            first, second, third = (login().json()["refresh"] for _ in range(3))
            settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
            settings.SECRET_KEY = NEW_SECRET
            assert lines(keys_report())["accepted"][0].endswith(
                "  live sessions: 3, until 2026-02-14T12:00:00+00:00"
            )

            refresh(first)
            logout(second)

            report = keys_report()
            assert lines(report)["signs"][1].endswith(
                "  live sessions: 1, until 2026-02-14T12:00:00+00:00"
            )
            assert (
                lines(report)["accepted"][0]
                .partition(",")[0]
                .endswith("  live sessions: 1")
            )
            assert "Next: wait" in report

            refresh(third)
            assert lines(keys_report())["accepted"][0].endswith("  live sessions: 0")

    def test_a_session_from_before_a_new_password_is_not_counted(self, login, user):
        login()
        user.set_password("another password")
        user.save()

        assert lines(keys_report())["signs"][1].endswith("  live sessions: 0")


def keys_report() -> str:
    out = io.StringIO()
    call_command("keys", stdout=out)
    return out.getvalue()


def lines(report: str) -> dict[str, list[str]]:
    """What follows ``signs`` and ``accepted``."""
    found = re.findall(r"^  (signs|accepted) +(.*)$", report, re.MULTILINE)
    return {
        role: [text for name, text in found if name == role]
        for role in ("signs", "accepted")
    }


class TestJwks:
    @pytest.mark.requirement("RFC 7519 7.1")
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

    def test_an_unchanged_set_is_not_sent_again(self, api, settings):
        etag = api.get("/.well-known/jwks.json")["ETag"]
        ask = {"If-None-Match": etag}

        again = api.client.get("/.well-known/jwks.json", headers=ask)
        settings.JWT_KEYS += keys.generate()
        changed = api.client.get("/.well-known/jwks.json", headers=ask)

        assert (again.status_code, again.content) == (304, b"")
        assert again["Cache-Control"] == "public, max-age=300"
        assert changed.status_code == 200

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


@pytest.mark.requirement("RFC 9700 2.6")
@pytest.mark.parametrize("name", ["oauth-authorization-server", "openid-configuration"])
def test_metadata_leads_from_the_issuer_to_its_keys(api, settings, name):
    answer = api.get(f"/.well-known/{name}")

    assert answer.json() == {
        "issuer": settings.PUBLIC_URL,
        "jwks_uri": f"{settings.PUBLIC_URL}/.well-known/jwks.json",
    }
