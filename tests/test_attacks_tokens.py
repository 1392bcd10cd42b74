"""Forged tokens are rejected, even if they are signed with the service's own key."""

import base64
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings

from authapi.tokens import keys
from tests.conftest import assert_problem
from tests.payload import payload
from tests.server import Service
from tests.variants import REFRESH, VARIANTS, Variant

MAIN = VARIANTS["main"]
FOREIGN_RSA = rsa.generate_private_key(65537, 2048)


@pytest.fixture
def claims(token: str) -> dict[str, Any]:
    """Valid claims of a live session."""
    return payload(token)


@pytest.fixture
def refused(any_service: Service, variant: Variant) -> Callable[..., None]:
    def refused(token: str, reason: str | None = None) -> None:
        answer = any_service.profile(variant, token)

        if len(token) > LONGEST:
            assert_problem(answer, 431, "header_too_large")
        else:
            assert_problem(answer, 401, "token_not_valid", reason)

    return refused


# Fits into an Authorization header of 8 kB, with the scheme.
LONGEST = 8192 - len("Bearer ")


@pytest.fixture(scope="module")
def good(any_service: Service) -> dict[str, str]:
    """A pair whose session must survive every attack with modified copies."""
    return any_service.login()


@pytest.mark.requirement("RFC 8725 3.1", "ASVS 9.1.2", "RFC 6750 5.2")
class TestAlgorithms:
    @pytest.mark.requirement("RFC 7519 8")
    def test_an_unmodified_forgery_is_accepted(self, any_service, variant, claims):
        assert any_service.profile(variant, variant.sign(claims)).status_code == 200

    @pytest.mark.requirement("RFC 7519 6", "RFC 8725 3.2")
    @pytest.mark.parametrize(
        "name",
        ["none", "None", "NONE", "nOnE", "none ", "", None, 0, [], "n\u00f6ne"],
        ids=ascii,
    )
    @pytest.mark.parametrize("signature", ["", "AAAA"], ids=["bare", "signed"])
    def test_alg_none_is_rejected(self, variant, claims, refused, name, signature):
        parts = [{**variant.headers, "alg": name}, claims]

        refused(".".join([*map(segment, parts), signature]))

    @pytest.mark.requirement("RFC 8725 3.5")
    @pytest.mark.parametrize("key", ["pem", "der", "jwk", "jwks", "x", "secret", ""])
    @pytest.mark.parametrize("name", ["HS256", "HS384", "HS512", "as-ours"])
    def test_public_and_shared_values_as_hmac_keys_are_rejected(
        self, any_service, variant, claims, refused, key, name
    ):
        headers = (
            variant.headers if name == "as-ours" else variant.headers | {"alg": name}
        )
        body = f"{segment(headers)}.{segment(claims)}"

        algorithm = jwt.PyJWS().get_algorithm_by_name(
            name if name[0] == "H" else "HS256"
        )
        mac = algorithm.sign(body.encode(), known(any_service, key))

        refused(f"{body}.{encoded(mac)}")

    @pytest.mark.requirement("RFC 8725 3.8")
    @pytest.mark.parametrize("name", ["RS256", "PS256", "RS512", "ES256", "EdDSA"])
    def test_the_attackers_key_under_our_kid_is_rejected(
        self, variant, claims, refused, name
    ):
        key = FOREIGN_RSA if name[1] == "S" and name[0] != "E" else own_key(name)

        for headers in ({"kid": keys.signing(keys.ring()).kid}, {"kid": "mine"}, {}):
            refused(jwt.encode(claims, key, name, headers))

    @pytest.mark.requirement("RFC 7519 7.3")
    @pytest.mark.parametrize(
        "name",
        ["ES384", "ES512", "ES256K", "RS256", "A128KW", "dir", "es256", "ES256 "],
    )
    def test_a_valid_signature_under_another_alg_is_rejected(
        self, variant, claims, refused, name
    ):
        refused(variant.sign(claims, {"alg": name}))

    def test_the_other_variants_key_is_rejected(self, variant, claims, refused):
        for other in VARIANTS.values():
            if other is not variant:
                refused(other.sign(claims))
                refused(other.sign(claims, token_type=other.kind))
                refused(other.sign(claims, variant.headers))

    @pytest.mark.requirement("RFC 8725 3.4")
    @pytest.mark.parametrize(
        "signature",
        [b"", b"\0" * 64, b"\x30\x06\x02\x01\x00\x02\x01\x00"],
        ids=["empty", "zero", "der"],
    )
    def test_an_all_zero_signature_is_rejected(
        self, variant, claims, refused, signature
    ):
        """Zeros passed for a signature by ECDSA in some libraries (CVE-2022-21449)."""
        body = f"{segment(variant.headers)}.{segment(claims)}"

        refused(f"{body}.{encoded(signature)}")


@pytest.mark.requirement("RFC 7519 7.2", "RFC 8725 3.3", "ASVS 9.1.1")
class TestSignaturesAndEncodings:
    @pytest.mark.parametrize(
        "spoil",
        [
            lambda token: token + "=",
            lambda token: token + "==",
            lambda token: token + ".",
            lambda token: "." + token,
            lambda token: token + "." + token,
            lambda token: token[:-1] + sibling(token[-1]),
            lambda token: token.replace(".", "..", 1),
            lambda token: token.replace(".", ".!", 1),
            lambda token: token.replace(".", ".\x0b", 1).replace("\x0b", "%0a"),
            lambda token: token.replace(".", "=.", 1),
            lambda token: token.replace("e", "%65", 1),
            lambda token: token.rpartition(".")[0],
            lambda token: token.rpartition(".")[0] + ".",
            lambda token: token.rpartition(".")[0] + ".A",
            lambda token: token[: len(token) // 2],
            lambda token: token[::-1],
            lambda token: token.upper(),
            lambda token: token.swapcase(),
            lambda token: ".".join(reversed(token.split("."))),
        ],
        ids=[
            *("padded", "padded-twice", "dot", "dot-before", "twice", "same-bits"),
            *("empty-part", "junk", "newline", "inner-padding", "percent"),
            *("two-parts", "stripped", "short", "half", "reversed", "upper", "swapped"),
            "parts-reversed",
        ],
    )
    def test_altered_texts_are_rejected(self, token, refused, spoil):
        refused(spoil(token))

    @pytest.mark.parametrize("part", [0, 1, 2], ids=["header", "claims", "signature"])
    @pytest.mark.parametrize("place", [0, 5, -2])
    def test_a_flipped_bit_is_rejected(self, token, refused, part, place):
        parts = token.split(".")
        spoilt = bytearray(base64.urlsafe_b64decode(parts[part] + "=="))
        spoilt[place] ^= 1
        parts[part] = encoded(bytes(spoilt))

        refused(".".join(parts))

    def test_the_signature_of_another_token_is_rejected(
        self, any_service, variant, token, refused
    ):
        other = any_service.log_in(variant)

        refused(token.rpartition(".")[0] + "." + other.rpartition(".")[2])
        refused(other.rpartition(".")[0] + "." + token.rpartition(".")[2])

    @pytest.mark.requirement("RFC 8725 3.7")
    @pytest.mark.parametrize(
        "header",
        [
            b'{"alg":' + b"[" * 100_000,
            b'{"alg":' * 40_000,
            b"[" * 500 + b"]" * 500,
            b'{"alg":"ES256","kid":' + b"9" * 5_000 + b"}",
            b"[]",
            b"null",
            b'"x"',
            b"7",
            b"",
            b"\xff",
            b"\xef\xbb\xbf{}",
            b'{"alg":"ES256","alg":"none"}',
            b'{"alg":"HS256","kid":"\\ud800"}',
            b'{"alg":NaN}',
        ],
        ids=lambda header: repr(header[:12]) + str(len(header)),
    )
    def test_invalid_headers_are_rejected(self, claims, refused, header):
        refused(f"{encoded(header)}.{segment(claims)}.AAAA")

    @pytest.mark.requirement("RFC 8725 3.7")
    @pytest.mark.parametrize(
        "claims",
        [
            b"[" * 100_000,
            b'{"exp":' * 900,
            b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
            b"[]",
            b"null",
            b'"x"',
            b"7",
            b"{}",
            b"\xff",
            b"{",
            b"",
            b'{"exp":' + b"9" * 5_000 + b"}",
            b'{"exp":1e999}',
            b'{"token_type":"\\ud800"}',
        ],
        ids=lambda claims: repr(claims[:12]) + str(len(claims)),
    )
    def test_invalid_payloads_with_a_valid_signature_are_rejected(
        self, variant, refused, claims
    ):
        refused(variant.sign(claims))

    @pytest.mark.requirement("RFC 7519 4")
    @pytest.mark.parametrize(
        ("first", "last", "status"), [("99", None, 200), (None, "99", 401)]
    )
    def test_the_last_duplicate_member_wins(
        self, any_service, variant, claims, first, last, status
    ):
        """RFC 7519, section 4 allows this, and both variants do the same."""
        rest = {name: claims[name] for name in claims if name != "user_id"}
        text = (
            f'{{"user_id": "{first or claims["user_id"]}", {json.dumps(rest)[1:-1]},'
            f'"user_id": "{last or claims["user_id"]}"}}'
        )

        answer = any_service.profile(variant, variant.sign(text.encode()))

        assert answer.status_code == status


class TestHeaderInjection:
    @pytest.mark.requirement("RFC 8725 3.10")
    @pytest.mark.parametrize(
        "kid",
        [
            *("unknown", "", "../../../../dev/null", "/dev/null", "C:\\nul", "\0"),
            *("' OR '1'='1", "x' UNION SELECT 'key", "$(id)", "{{7*7}}", "%s"),
            *("https://evil.example/key", "file:///etc/passwd", "a" * 2_000, "é"),
            *(["a"], {"a": 1}, 7, None, True, "__class__", "\ud800"),
        ],
        ids=lambda kid: ascii(kid)[:20],
    )
    def test_unknown_kids_are_rejected(self, variant, claims, refused, kid):
        refused(variant.sign(claims, {"kid": kid}))

    @pytest.mark.requirement(
        "RFC 7519 5.1", "RFC 7519 5.2", "RFC 8725 3.10", "RFC 8725 3.11", "ASVS 9.1.3"
    )
    @pytest.mark.parametrize(
        "extra",
        [
            {"jku": "https://evil.example/jwks.json"},
            {"x5u": "https://evil.example/cert.pem"},
            {"x5c": ["MIIB"]},
            {"x5t": "AAAA"},
            {"jwk": {"kty": "oct", "k": "AA"}},
            {"jwk": dict(keys.signing(keys.ring()).jwk)},
            {"crit": ["exp"]},
            {"crit": []},
            {"crit": "b64"},
            {"crit": ["b64"], "b64": False},
            {"b64": False},
            {"zip": "DEF"},
            {"enc": "A128GCM"},
            {"cty": "JWT"},
            {"typ": "rt+jwt"},
            {"typ": "jwt"},
            {"typ": None},
            {"typ": ["JWT"]},
            {"iss": "evil"},
            {"": ""},
            {"__proto__": {}},
        ],
        ids=lambda extra: str(extra)[:30],
    )
    def test_unexpected_header_parameters_are_rejected(
        self, variant, claims, refused, extra
    ):
        refused(variant.sign(claims, extra))


@pytest.mark.requirement("RFC 8725 3.12", "ASVS 9.2.2")
class TestKindAndAudience:
    def test_a_refresh_token_does_not_authenticate(self, any_service, refused):
        refused(any_service.login()["refresh"])

    def test_the_other_variants_token_is_rejected(self, own_tokens, variant, refused):
        for name, other in own_tokens.items():
            if name != variant.name:
                refused(other)

    @pytest.mark.parametrize(
        "kind",
        ["refresh", "unknown", "", "ACCESS", "Manual", "access ", ["access"]],
        ids=str,
    )
    def test_other_token_types_are_rejected(self, variant, claims, refused, kind):
        refused(variant.sign(claims, token_type=kind))

    @pytest.mark.requirement(
        "RFC 7519 4.1.1",
        "RFC 7519 4.1.3",
        "RFC 8725 3.8",
        "RFC 8725 3.9",
        "RFC 9700 4.10.2",
        "ASVS 9.2.3",
        "ASVS 10.3.1",
    )
    @pytest.mark.parametrize("name", ["iss", "aud"])
    @pytest.mark.parametrize(
        "value",
        ["https://evil.example", "http://127.0.0.1", "*", "{}/", " {}", ["{}/x"]],
        ids=str,
    )
    def test_other_issuers_and_audiences_are_rejected(
        self, any_service, variant, claims, refused, name, value
    ):
        if isinstance(value, str):
            value = value.format(any_service.url)

        refused(variant.sign(claims, **{name: value}))

    @pytest.mark.parametrize("path", ["token/refresh/", "token/blacklist/"])
    def test_only_a_refresh_token_refreshes_or_logs_out(self, any_service, token, path):
        answer = any_service.post(f"/api/{path}", {"refresh": token})

        assert_problem(answer, 401, "token_not_valid")

    def test_verify_rejects_a_manual_token(self, any_service, own_tokens):
        answer = any_service.post("/api/token/verify/", {"token": own_tokens["manual"]})

        assert_problem(answer, 401, "token_not_valid")


@pytest.mark.requirement("ASVS 7.2.1")
class TestClaims:
    """Every claim is checked and none is converted, even with a valid signature."""

    @pytest.mark.requirement("RFC 7519 4.1.2", "RFC 7519 4.1.6", "RFC 7519 4.1.7")
    @pytest.mark.parametrize(
        "name", ["iat", "jti", "sub", "user_id", "sid", "iss", "aud", "token_type"]
    )
    @pytest.mark.parametrize(
        "value",
        [
            ...,
            None,
            True,
            -1,
            52.5,
            10**400,
            [],
            {},
            "",
            " 52 ",
            "x\0",
            "\ud800",
            "a" * 100_000,
        ],
        ids=lambda value: "missing" if value is ... else ascii(value)[:12],
    )
    def test_claims_of_the_wrong_type_are_rejected(
        self, variant, claims, refused, name, value
    ):
        refused(variant.sign(claims, **{name: value}))

    @pytest.mark.requirement("RFC 7519 4.1.4", "RFC 7519 4.1.5")
    @pytest.mark.parametrize(
        "value",
        [
            None,
            [],
            {},
            "",
            "NaN",
            "9999999999",
            "{}",
            float("inf"),
            float("nan"),
            1e308,
            10**400,
            2**63,
            253402300800,
            52.5e9,
            "\ud800",
        ],
        ids=lambda value: ascii(value)[:12],
    )
    @pytest.mark.parametrize("name", ["exp", "nbf"])
    def test_invalid_times_are_rejected(self, variant, claims, refused, name, value):
        refused(variant.sign(claims, **{name: value}))

    def test_a_missing_exp_is_rejected(self, variant, claims, refused):
        refused(variant.sign(claims, exp=...))

    @pytest.mark.requirement("RFC 7519 4.1.4", "ASVS 9.2.1")
    @pytest.mark.parametrize("value", [0, 1, 1_000_000_000])
    def test_a_past_exp_is_reported_as_expired(self, variant, claims, refused, value):
        refused(variant.sign(claims, exp=value), "expired")

    @pytest.mark.parametrize("value", [-1, -(2**70), False, -52.5], ids=str)
    def test_a_negative_exp_is_rejected(self, any_service, variant, claims, value):
        answer = any_service.profile(variant, variant.sign(claims, exp=value))

        assert answer.status_code == 401
        assert answer.json()["code"] == "token_not_valid"

    @pytest.mark.requirement("RFC 7519 4.1.5", "ASVS 9.2.1")
    @pytest.mark.parametrize("name", ["nbf", "iat"])
    @pytest.mark.parametrize("ahead", [60, 10**9])
    def test_times_in_the_future_are_rejected(
        self, variant, claims, refused, name, ahead
    ):
        refused(variant.sign(claims, **{name: int(time.time()) + ahead}))

    @pytest.mark.requirement("RFC 8725 3.8", "ASVS 10.3.2")
    @pytest.mark.parametrize("user", ["0", "-1", "52", "01", "1.0", "+1", "١", "1 "])
    def test_another_user_is_rejected(self, variant, claims, refused, user):
        refused(variant.sign(claims, user_id=user, sub=user))

    @pytest.mark.requirement("RFC 7519 4.1.2", "ASVS 10.3.2")
    def test_sub_and_user_id_must_agree(self, variant, claims, refused):
        refused(variant.sign(claims, user_id="2"))
        refused(variant.sign(claims, sub="2"))

    def test_an_unknown_session_is_rejected(self, variant, claims, refused):
        sid = "00000000-0000-4000-8000-000000000000"

        refused(variant.sign(claims, sid=sid), "session_ended")

    @pytest.mark.requirement("RFC 7519 7.3")
    @pytest.mark.parametrize(
        "spell",
        [
            str.upper,
            lambda sid: sid.replace("-", ""),
            lambda sid: f"{{{sid}}}",
            lambda sid: f"urn:uuid:{sid}",
            lambda sid: sid + " ",
            lambda sid: sid + "\n",
            lambda sid: f"{sid}' OR 1=1",
        ],
        ids=["upper", "no-dashes", "braces", "urn", "space", "newline", "sql"],
    )
    def test_other_spellings_of_the_session_are_rejected(
        self, variant, claims, refused, spell
    ):
        refused(variant.sign(claims, sid=spell(claims["sid"])))


class TestHostileRefreshClaims:
    """Refresh, verify and logout also check every claim, even with a valid signature."""

    @pytest.mark.parametrize(
        ("path", "member"),
        [("refresh", "refresh"), ("blacklist", "refresh"), ("verify", "token")],
        ids=["refresh", "blacklist", "verify"],
    )
    @pytest.mark.parametrize(
        "name", ["jti", "sid", "user_id", "sub", "iat", "token_type", "aud"]
    )
    @pytest.mark.parametrize(
        "value",
        [..., None, [], 7.5, "\0", " 1 ", -1, 10**400, "\ud800"],
        ids=lambda value: "missing" if value is ... else ascii(value)[:12],
    )
    def test_claims_of_the_wrong_type_are_rejected(
        self, any_service, good, path, member, name, value
    ):
        spoilt = REFRESH.sign(payload(good["refresh"]), **{name: value})

        answer = any_service.post(f"/api/token/{path}/", {member: spoilt})

        assert_problem(answer, 401, "token_not_valid")

    @pytest.mark.parametrize("path", ["refresh", "blacklist"])
    @pytest.mark.parametrize(
        ("value", "reason"),
        [
            (..., None),
            (None, None),
            ([], None),
            ("NaN", None),
            ("9999999999", None),
            (9e9, None),
            (10**400, None),
            (float("inf"), None),
            # These times are in the past in every notation.
            (0, "session_ended"),
            (-1, "session_ended"),
            (7.5, "session_ended"),
            (" 1 ", "session_ended"),
        ],
        ids=lambda value: ascii(value)[:16],
    )
    def test_invalid_exp_values_are_rejected(
        self, any_service, good, path, value, reason
    ):
        spoilt = REFRESH.sign(payload(good["refresh"]), exp=value)

        answer = any_service.post(f"/api/token/{path}/", {"refresh": spoilt})

        assert_problem(answer, 401, "token_not_valid", reason)

    @pytest.mark.parametrize("path", ["refresh", "blacklist"])
    def test_oversized_tokens_are_rejected(self, any_service, good, path):
        long = REFRESH.sign(payload(good["refresh"]), more="a" * 4_096)

        answer = any_service.post(f"/api/token/{path}/", {"refresh": long})

        assert_problem(answer, 400, "invalid")

    def test_another_user_on_this_session_is_rejected(self, any_service, good):
        forged = REFRESH.sign(payload(good["refresh"]), user_id="52", sub="52")

        for path, member in [("refresh", "refresh"), ("verify", "token")]:
            answer = any_service.post(f"/api/token/{path}/", {member: forged})
            assert_problem(answer, 401, "token_not_valid")

    def test_the_session_survives_these_attacks(self, any_service, good):
        assert any_service.profile(MAIN, good["access"]).status_code == 200
        answer = any_service.post("/api/token/refresh/", {"refresh": good["refresh"]})
        assert answer.status_code == 200


@pytest.mark.requirement("RFC 8725 3.12", "RFC 9700 4.10.2")
class TestRefreshTokensElsewhere:
    """Another service verifies tokens with our published keys, as its library's documentation says."""

    @pytest.fixture
    def verify(self, any_service):
        published = any_service.client.get("/.well-known/jwks.json").json()

        def verify(token: str, **options: Any) -> dict[str, Any]:
            found = jwt.PyJWKSet.from_dict(published)
            kid = jwt.get_unverified_header(token)["kid"]
            key = next((key for key in found.keys if key.key_id == kid), found.keys[0])
            algorithms = ["ES256", "RS256", "EdDSA"]
            return jwt.decode(token, key, algorithms=algorithms, **options)

        return verify

    @pytest.mark.requirement("RFC 7519 7.1", "RFC 8725 3.11")
    def test_an_access_token_is_accepted(self, any_service, verify, good):
        claims = verify(
            good["access"], audience=any_service.url, issuer=any_service.url
        )

        assert claims["client_id"] == "authapi"
        assert jwt.get_unverified_header(good["access"])["typ"] == "at+jwt"

    @pytest.mark.parametrize(
        "options", [{}, {"options": {"verify_aud": False}}], ids=["strict", "lax"]
    )
    def test_a_refresh_token_is_rejected(self, any_service, verify, good, options):
        """Neither its key nor its algorithm is published, so even a lax service rejects it."""
        if not options:
            options = {"audience": any_service.url, "issuer": any_service.url}
        with pytest.raises(jwt.InvalidTokenError):
            verify(good["refresh"], **options)

    def test_the_audience_of_a_refresh_token_is_the_refresh_endpoint(
        self, any_service, good
    ):
        claims = payload(good["refresh"])

        assert claims["aud"] == f"{any_service.url}/api/token/refresh/"

    @pytest.mark.requirement("RFC 8725 3.5")
    @pytest.mark.parametrize("name", ["pem", "der", "jwk", "jwks", "x", "secret", ""])
    def test_known_keys_do_not_forge_a_refresh_token(self, any_service, good, name):
        header = jwt.get_unverified_header(good["refresh"])
        body = f"{segment(header)}.{segment(payload(good['refresh']))}"
        signature = hmac.digest(known(any_service, name), body.encode(), "sha256")
        forged = f"{body}.{encoded(signature)}"

        answer = any_service.post("/api/token/refresh/", {"refresh": forged})

        assert_problem(answer, 401, "token_not_valid")


def known(service: Service, name: str) -> bytes:
    """A key that an attacker may know, because it is published or shared."""
    public: Any = keys.signing(keys.ring()).public
    info = serialization.PublicFormat.SubjectPublicKeyInfo
    published = service.client.get("/.well-known/jwks.json")
    return {
        "pem": public.public_bytes(serialization.Encoding.PEM, info),
        "der": public.public_bytes(serialization.Encoding.DER, info),
        "jwk": json.dumps(published.json()["keys"][0]).encode(),
        "jwks": published.content,
        "x": published.json()["keys"][0]["x"].encode(),
        "secret": settings.SECRET_KEY.encode(),
        "": b"",
    }[name]


def own_key(name: str) -> Any:
    """The attacker's own private key, for ES256 or EdDSA."""
    if name == "ES256":
        return keys.generate()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.generate()


def segment(part: dict[str, Any]) -> str:
    return encoded(json.dumps(part).encode())


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def sibling(character: str) -> str:
    """Another last character that decodes to the same bits: of its 6 not all are used."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return alphabet[alphabet.index(character) ^ 1]
