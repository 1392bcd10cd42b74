"""Tokens and headers that must let nobody in, not even those that our own key has signed."""

import base64
import json

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from authapi import keys
from authapi.models import Session
from tests.conftest import assert_problem
from tests.forgery import forge, fresh_claims, header


@pytest.fixture
def claims(login, user):
    """Claims that would be accepted, of a live session."""
    login()
    return fresh_claims(user, Session.objects.get())


@pytest.fixture
def refused(api):
    def refused(token: str, code: str = "token_not_valid") -> None:
        assert_problem(api.get("/api/profile/", token), 401, code)

    return refused


def test_the_forgery_is_good_to_begin_with(api, claims):
    assert api.get("/api/profile/", forge(claims)).status_code == 200


class TestHeaders:
    @pytest.mark.parametrize(
        "value",
        [
            "Bearer",
            "Bearer ",
            "bearer x",
            "Bearer a b",
            "Bearer \0",
            "Bearer é",
            "Bearer ..",
            "Bearer a.b.c.d",
        ],
        ids=repr,
    )
    def test_that_hold_no_token(self, api, db, value):
        answer = api.client.get("/api/profile/", headers={"Authorization": value})

        assert_problem(answer, 401, "token_not_valid")

    @pytest.mark.parametrize("value", ["", "Basic YTpi", "Token x", "Bearerx y"])
    def test_of_another_scheme(self, api, db, value):
        answer = api.client.get("/api/profile/", headers={"Authorization": value})

        assert_problem(answer, 401, "not_authenticated")


class TestAlgorithms:
    @pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE", ""])
    def test_none(self, claims, refused, name):
        parts = [{"alg": name, "typ": "JWT", "kid": keys.signing_key().kid}, claims]
        body = ".".join(_segment(part) for part in parts)

        refused(f"{body}.")
        refused(f"{body}.AAAA")

    def test_the_public_key_as_a_shared_secret(self, claims, refused):
        key = keys.signing_key()
        pem = key.public.public_bytes(
            serialization.Encoding.PEM,
            serialization.PublicFormat.SubjectPublicKeyInfo,
        )
        body = f"{_segment({'alg': 'HS256', 'typ': 'JWT', 'kid': key.kid})}.{_segment(claims)}"
        hmac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
        for secret in (pem, json.dumps(key.jwk).encode()):
            mac = base64.urlsafe_b64encode(hmac.sign(body.encode(), secret))

            refused(f"{body}.{mac.rstrip(b'=').decode()}")

    def test_a_key_of_the_attackers(self, claims, refused):
        pem = keys.generate()

        for kid in (keys.kid(pem), keys.signing_key().kid):
            refused(jwt.encode(claims, pem, "ES256", {"kid": kid}))


class TestJoseHeader:
    @pytest.mark.parametrize(
        "extra",
        [
            {"kid": "unknown"},
            {"kid": "../../../../dev/null"},
            {"kid": ""},
            {"jku": "https://evil.example/jwks.json"},
            {"x5u": "https://evil.example/cert.pem"},
            {"jwk": {"kty": "oct", "k": "AA"}},
            {"crit": ["exp"]},
            {"typ": "at+jwt"},
            {"cty": "JWT"},
        ],
        ids=repr,
    )
    def test_with_anything_but_ours(self, claims, refused, extra):
        refused(forge(claims, extra))

    @pytest.mark.parametrize("kid", [["a"], {"a": 1}, 7, None], ids=repr)
    def test_with_a_kid_of_another_type(self, claims, refused, kid):
        head, body, signature = forge(claims).split(".")
        raw = _segment({**header(f"{head}.{body}.{signature}"), "kid": kid})

        refused(f"{raw}.{body}.{signature}")

    def test_nested_beyond_reading(self, refused, db):
        deep = (
            base64.urlsafe_b64encode(b'{"alg":' + b"[" * 100_000).decode().rstrip("=")
        )

        refused(f"{deep}.e30.AAAA")


class TestEncoding:
    @pytest.mark.parametrize(
        "spoil",
        [
            lambda token: token + "=",
            lambda token: token + " x",
            lambda token: token[:-1] + _sibling(token[-1]),
            lambda token: token.replace(".", "..", 1),
            lambda token: token.replace(".", ".!", 1),
            lambda token: token.rpartition(".")[0] + ".",
            lambda token: token.rpartition(".")[0] + ".A",
        ],
        ids=["padded", "tail", "same-bits", "empty-part", "junk", "stripped", "short"],
    )
    def test_another_text_for_the_same_token(self, claims, refused, spoil):
        refused(spoil(forge(claims)))


class TestClaims:
    """Under a signature of our own key, too, every claim is checked, and none is converted."""

    @pytest.mark.parametrize(
        "name",
        ["exp", "iat", "jti", "sub", "user_id", "sid", "iss", "aud", "token_type"],
    )
    @pytest.mark.parametrize(
        "value",
        [..., None, True, -1, 52.5, 10**400, [], {}, "", " 52 ", "x\0", ["a"], "NaN"],
        ids=lambda value: "missing" if value is ... else repr(value)[:12],
    )
    def test_of_another_type(self, claims, api, name, value):
        answer = api.get("/api/profile/", forge(claims, **{name: value}))

        assert answer.status_code == 401, answer.content
        assert answer.json()["code"] in {"token_not_valid", "token_expired"}

    @pytest.mark.parametrize(
        "value", [float("inf"), float("nan"), "9999999999"], ids=repr
    )
    def test_no_end(self, claims, refused, value):
        refused(forge(claims, exp=value))

    @pytest.mark.parametrize("name", ["nbf", "iat"])
    def test_not_yet(self, claims, refused, name):
        refused(forge(claims, **{name: claims["iat"] + 60}))

    def test_of_another_issuer_or_audience(self, claims, refused):
        refused(forge(claims, iss="https://evil.example"))
        refused(forge(claims, aud="https://evil.example"))

    def test_of_another_user(self, claims, refused):
        refused(forge(claims, user_id="52", sub="52"))

    def test_of_a_session_that_never_was(self, claims, refused):
        sid = "00000000-0000-4000-8000-000000000000"

        refused(forge(claims, sid=sid), "session_ended")
        refused(forge(claims, sid=sid.upper() + " "))
        refused(forge(claims, sid=claims["sid"].upper()))


class TestKind:
    def test_a_refresh_token_authenticates_nobody(self, login, refused):
        refused(login().json()["refresh"])

    def test_an_unknown_kind(self, claims, refused, verify):
        refused(forge(claims, token_type="manual"))
        assert_problem(
            verify(forge(claims, token_type="manual")), 401, "token_not_valid"
        )

    @pytest.mark.parametrize("name", ["jti", "sid", "user_id", "exp"])
    @pytest.mark.parametrize("value", [..., None, [], 7.5, "\0", " 1 "], ids=repr)
    def test_a_refresh_token_with_a_spoilt_claim(
        self, claims, refresh, verify, name, value
    ):
        token = forge(claims, token_type="refresh", **{name: value})

        assert refresh(token).status_code == 401
        assert verify(token).status_code == 401


def _segment(part: dict) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def _sibling(character: str) -> str:
    """Another last character that decodes to the same bits: 4 of its 6 are not used."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return alphabet[alphabet.index(character) ^ 1]
