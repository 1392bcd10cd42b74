"""Tokens and headers that must let nobody in, not even those that our own key has signed."""

import base64
import json

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from authapi import keys
from authapi.models import Session
from tests.conftest import assert_problem
from tests.variants import VARIANTS


@pytest.fixture
def claims(variant, login, user):
    """Claims that would be accepted, of a live session."""
    login()
    return variant.claims(user, Session.objects.get())


@pytest.fixture
def refused(api, variant):
    def refused(token: str, code: str = "token_not_valid") -> None:
        assert_problem(api.get(variant.profile, token), 401, code)

    return refused


def test_the_forgery_is_good_to_begin_with(api, variant, claims):
    assert api.get(variant.profile, variant.sign(claims)).status_code == 200


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
            "Bearer a\tb",
        ],
        ids=repr,
    )
    def test_that_hold_no_token(self, variant, api, db, value):
        answer = api.client.get(variant.profile, headers={"Authorization": value})

        assert_problem(answer, 401, "token_not_valid")

    @pytest.mark.parametrize("value", ["", "Basic YTpi", "Token x", "Bearerx y"])
    def test_of_another_scheme(self, variant, api, db, value):
        answer = api.client.get(variant.profile, headers={"Authorization": value})

        assert_problem(answer, 401, "not_authenticated")

    @pytest.mark.parametrize("space", ["\t", "\xa0", "\x85", "\x1f"], ids=repr)
    def test_where_something_else_stands_for_a_space(self, api, variant, claims, space):
        value = f"Bearer{space}{variant.sign(claims)}"
        answer = api.client.get(variant.profile, headers={"Authorization": value})

        assert_problem(answer, 401, "not_authenticated")


class TestAlgorithms:
    @pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE", ""])
    def test_none(self, variant, claims, refused, name):
        parts = [{**variant.headers, "alg": name}, claims]
        body = ".".join(_segment(part) for part in parts)

        refused(f"{body}.")
        refused(f"{body}.AAAA")

    @pytest.mark.parametrize("key", ["pem", "jwk", "secret", ""])
    def test_what_is_public_or_shared_as_an_hmac_key(
        self, variant, claims, refused, settings, key
    ):
        ours = keys.signing_key()
        secret = {
            "pem": ours.public.public_bytes(
                serialization.Encoding.PEM,
                serialization.PublicFormat.SubjectPublicKeyInfo,
            ),
            "jwk": json.dumps(ours.jwk).encode(),
            "secret": settings.SECRET_KEY.encode(),
            "": b"",
        }[key]
        hmac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
        for headers in (variant.headers, {**variant.headers, "alg": "HS256"}):
            body = f"{_segment(headers)}.{_segment(claims)}"
            mac = base64.urlsafe_b64encode(hmac.sign(body.encode(), secret))

            refused(f"{body}.{mac.rstrip(b'=').decode()}")

    def test_a_key_of_the_attackers(self, variant, claims, refused):
        pem = keys.generate()

        for kid in (keys.kid(pem), keys.signing_key().kid):
            refused(jwt.encode(claims, pem, "ES256", {"kid": kid}))

    def test_the_other_variants_key(self, variant, claims, refused, user):
        for other in VARIANTS.values():
            if other is not variant:
                refused(other.sign(claims))
                refused(other.sign(claims, token_type=other.kind))


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
    def test_with_anything_but_ours(self, variant, claims, refused, extra):
        refused(variant.sign(claims, extra))

    @pytest.mark.parametrize("kid", [["a"], {"a": 1}, 7, None], ids=repr)
    def test_with_a_kid_of_another_type(self, variant, claims, refused, kid):
        refused(variant.sign(claims, {"kid": kid}))

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
    def test_another_text_for_the_same_token(self, variant, claims, refused, spoil):
        refused(spoil(variant.sign(claims)))


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
    def test_of_another_type(self, variant, claims, api, name, value):
        answer = api.get(variant.profile, variant.sign(claims, **{name: value}))

        assert answer.status_code == 401, answer.content
        assert answer.json()["code"] in {"token_not_valid", "token_expired"}

    @pytest.mark.parametrize(
        "value", [float("inf"), float("nan"), "9999999999"], ids=repr
    )
    def test_no_end(self, variant, claims, refused, value):
        refused(variant.sign(claims, exp=value))

    @pytest.mark.parametrize("name", ["nbf", "iat"])
    def test_not_yet(self, variant, claims, refused, name):
        refused(variant.sign(claims, **{name: claims["iat"] + 60}))

    def test_of_another_issuer_or_audience(self, variant, claims, refused):
        refused(variant.sign(claims, iss="https://evil.example"))
        refused(variant.sign(claims, aud="https://evil.example"))

    def test_of_another_user(self, variant, claims, refused):
        refused(variant.sign(claims, user_id="52", sub="52"))

    def test_of_a_session_that_never_was(self, variant, claims, refused):
        sid = "00000000-0000-4000-8000-000000000000"

        refused(variant.sign(claims, sid=sid), "session_ended")
        refused(variant.sign(claims, sid=sid.upper() + " "))
        refused(variant.sign(claims, sid=claims["sid"].upper()))


class TestKind:
    def test_a_refresh_token_authenticates_nobody(self, login, refused, variant):
        refused(login().json()["refresh"])

    @pytest.mark.parametrize("kind", ["refresh", "unknown", "", "ACCESS", "Manual"])
    def test_another_kind(self, variant, claims, refused, kind):
        refused(variant.sign(claims, token_type=kind))

    def test_what_verify_does_not_know(self, claims, verify):
        token = VARIANTS["manual"].sign(claims, token_type="manual")

        assert_problem(verify(token), 401, "token_not_valid")

    @pytest.mark.parametrize("name", ["jti", "sid", "user_id", "exp"])
    @pytest.mark.parametrize("value", [..., None, [], 7.5, "\0", " 1 "], ids=repr)
    def test_a_refresh_token_with_a_spoilt_claim(
        self, user, login, refresh, verify, name, value
    ):
        login()
        main = VARIANTS["main"]
        claims = main.claims(user, Session.objects.get())
        token = main.sign(claims, token_type="refresh", **{name: value})

        assert refresh(token).status_code == 401
        assert verify(token).status_code == 401


def _segment(part: dict) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def _sibling(character: str) -> str:
    """Another last character that decodes to the same bits: 4 of its 6 are not used."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return alphabet[alphabet.index(character) ^ 1]
