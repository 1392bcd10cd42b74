"""Hostile bodies, names and passwords neither log in nor cause errors."""

import gzip
import json
import uuid
from typing import Any
from unicodedata import normalize

import pytest

from tests.conftest import assert_problem
from tests.server import PASSWORD, USER, Service
from tests.variants import VARIANTS, Variant

CREDENTIALS = json.dumps({"username": USER, "password": PASSWORD}).encode()
PATHS = {
    "login": "/api/token/",
    "manual": "/api/manual/login/",
    "refresh": "/api/token/refresh/",
}


@pytest.fixture(params=PATHS.values(), ids=[*PATHS])
def path(request):
    """The operations that accept a body without a token."""
    return request.param


class TestBodies:
    @pytest.mark.parametrize(
        "body",
        [
            b"{",
            b"nonsense",
            b"{'username': 'demo'}",
            b"\0",
            b"{}\0",
            b"{}{}",
            b"{} x",
            b"\xff\xfe",
            b"\xef\xbb\xbf{}",
            "{}".encode("utf-16"),
            "{}".encode("utf-32"),
            b'{"username": "\xed\xa0\x80"}',
            b'{"username": "\xc0\x80"}',
            b'{"username": "\\ud800"}',
            b'{"\\udfff": 1}',
            b'{"username": NaN}',
            b'{"username": -Infinity}',
            b'{"username": 01}',
            b'{"username": "a\nb"}',
            b'{"username": ' + b"9" * 5_000 + b"}",
            b"9" * 60_000,
            b"[" * 60_000,
            b"1e400",
            b"[" * 30_000 + b"]" * 30_000,
            b'{"a":' * 10_000,
            gzip.compress(b"{}", mtime=0),
        ],
        ids=lambda body: f"{body[:30]!r:.36}{body[-3:]!r}{len(body)}",
    )
    def test_unparsable_bodies_are_rejected(self, any_service, path, body):
        assert_problem(send(any_service, path, body), 400, "parse_error")

    @pytest.mark.parametrize(
        "body", [b"[]", b"7", b'"x"', b"null", b"true", b"", b"{}", b"[{}]"]
    )
    def test_bodies_without_credentials_are_rejected(self, any_service, path, body):
        answer = send(any_service, path, body)

        assert_problem(answer, 400, "invalid")
        assert answer.json()["errors"]

    @pytest.mark.parametrize(
        "body",
        [
            b"[" * 200_000,
            b'{"a":' * 200_000,
            b" " * 10_000_000,
            b'{"username": "demo", "password": "' + b"let-me-in" * 120_000 + b'"}',
        ],
        ids=["deep", "deep-objects", "10-MB", "password-of-1-MB"],
    )
    def test_oversized_bodies_are_rejected(self, any_service, path, body):
        assert_problem(send(any_service, path, body), 413, "body_too_large")

    @pytest.mark.parametrize(
        "content_type",
        [
            "text/plain",
            "text/json",
            "application/jsonx",
            "application/xml",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "*/*",
            "",
            ";",
            "application/json, text/plain",
            "application/x-yaml;application/json",
        ],
    )
    def test_other_media_types_are_rejected(self, any_service, path, content_type):
        answer = send(any_service, path, CREDENTIALS, content_type)

        assert_problem(answer, 415, "unsupported_media_type")

    @pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "identity", "x"])
    def test_compressed_bodies_are_not_decompressed(self, any_service, coding):
        """64 kB of gzip may hold 64 MB."""
        bomb = gzip.compress(b'{"a": "' + b" " * 30_000_000 + b'"}')

        answer = any_service.client.post(
            "/api/token/",
            content=bomb,
            headers={"Content-Type": "application/json", "Content-Encoding": coding},
        )

        assert_problem(answer, 400, "parse_error")

    @pytest.mark.parametrize("value", [None, 7, True, [], {}, ["demo"], {"$ne": 1}])
    @pytest.mark.parametrize("name", ["username", "password"])
    def test_members_of_the_wrong_type_are_rejected(
        self, any_service, variant, name, value
    ):
        body = {"username": USER, "password": PASSWORD, name: value}

        answer = any_service.post(variant.login, body)

        assert_problem(answer, 400, "invalid")
        assert answer.json()["errors"].keys() == {name}

    @pytest.mark.parametrize("first", ['"let-me-in"', "{}", "null"])
    def test_the_last_duplicate_member_wins(self, any_service, variant, first):
        body = f'{{"username": "demo", "password": {first}, "password": "{PASSWORD}"}}'

        assert send(any_service, variant.login, body.encode()).status_code == 200

    def test_unknown_members_are_ignored(self, any_service, variant):
        answer = any_service.post(
            variant.login,
            {
                "username": USER,
                "password": PASSWORD,
                "__proto__": {"is_staff": True},
                "is_superuser": True,
                "device": {},
                "at": 0,
                "idle": 10**9,
            },
        )

        assert answer.status_code == 200


class TestPasswords:
    @pytest.mark.requirement("ASVS 6.2.8")
    @pytest.mark.parametrize(
        "password",
        [
            PASSWORD + " ",
            " " + PASSWORD,
            PASSWORD + "\n",
            PASSWORD + "\u200b",
            "\ufeff" + PASSWORD,
            PASSWORD.upper(),
            PASSWORD[:-1],
            PASSWORD.replace("l", "\uff4c"),
            PASSWORD * 100,
            "let-me-in" + "é" * 4_000,
            "!",
            "%s",
            "' OR '1'='1",
        ],
        ids=lambda password: ascii(password)[:24],
    )
    def test_similar_passwords_are_rejected(self, any_service, variant, password):
        answer = log_in(any_service, variant, USER, password)

        assert_problem(answer, 401, "no_active_account")

    @pytest.mark.parametrize(
        "password",
        ["", "\0", PASSWORD + "\0", "let-me-in" * 456],
        ids=lambda password: ascii(password)[:24],
    )
    def test_invalid_values_are_rejected(self, any_service, variant, password):
        answer = log_in(any_service, variant, USER, password)

        assert_problem(answer, 400, "invalid")

    @pytest.mark.parametrize(
        ("kind", "other"),
        [("spaces", str.strip), ("combined", lambda text: normalize("NFC", text))],
        ids=["spaces", "combined"],
    )
    def test_unusual_characters_must_match_exactly(
        self, any_service, odd_users, variant, kind, other
    ):
        username, password = odd_users[kind]

        right = log_in(any_service, variant, username, password)
        wrong = log_in(any_service, variant, username, other(password))

        assert right.status_code == 200
        assert_problem(wrong, 401, "no_active_account")


class TestUserNames:
    @pytest.mark.parametrize(
        "username",
        [
            *("DEMO", "Demo", "demo%", "d_mo", "demo*", "*", "demo\\", "demo'--"),
            *("' OR 1=1 --", "demo' UNION SELECT 1 --", "demo;", "${jndi:ldap://x}"),
            *("demo@example.com", "1", "de mo", "demo,demo", "../demo"),
            *(
                "  ",
                "\u202edemo",
                "demo\u200b",
                "de\u00admo",
                "demo\ufeff",
                "d\u0435mo",
            ),
            *("demo\u0301", "\u00a8demo", "\ufdfa" * 150, "\U0001f600", "null"),
        ],
        ids=lambda username: ascii(username)[:32],
    )
    def test_similar_names_are_rejected(self, any_service, variant, username):
        answer = log_in(any_service, variant, username, PASSWORD)

        assert_problem(answer, 401, "no_active_account")

    @pytest.mark.parametrize(
        "username",
        ["", "\0", "demo\0", "a" * 151],
        ids=lambda name: ascii(name)[:8],
    )
    def test_invalid_values_are_rejected(self, any_service, variant, username):
        answer = log_in(any_service, variant, username, PASSWORD)

        assert_problem(answer, 400, "invalid")

    @pytest.mark.parametrize(
        "username",
        [
            " demo",
            "demo\n",
            "\u00a0demo\u2003",
            "\uff44\uff45\uff4d\uff4f",
            "dem\u24de",
        ],
        ids=ascii,
    )
    def test_equivalent_spellings_log_in(self, any_service, variant, username):
        """
        Surrounding spaces and compatibility forms are equivalent, because names are stored in
        NFKC.
        """
        assert log_in(any_service, variant, username, PASSWORD).status_code == 200

    def test_unknown_user_and_wrong_password_get_the_same_answer(
        self, any_service, variant
    ):
        wrong = log_in(any_service, variant, USER, "let-me-in")
        unknown = log_in(any_service, variant, "nobody", "let-me-in")

        assert wrong.content == unknown.content
        assert wrong.headers.keys() == unknown.headers.keys()


class TestMassAssignment:
    @pytest.mark.parametrize(
        "changes",
        [
            {"username": "root"},
            {"password": "let-me-in"},
            {"is_staff": True},
            {"is_superuser": True, "first_name": "x"},
            {"is_active": False},
            {"id": 1},
            {"pk": 1},
            {"user_permissions": [1]},
            {"groups": [1]},
            {"last_login": None},
            {"date_joined": "1970-01-01T00:00:00Z"},
            {"sessions": []},
            {"__class__": "x"},
            {"first_name__x": "x"},
            {"": 1},
            {"\0": 1},
            {"x\ny": 1},
            {"x" * 5_000: 1},
        ],
        ids=lambda changes: ascii([*changes][-1])[:20],
    )
    def test_only_declared_fields_can_be_set(self, any_service, own_tokens, changes):
        before = any_service.profile(VARIANTS["main"], own_tokens["main"]).content

        answer = change(any_service, own_tokens["main"], changes)

        assert_problem(answer, 400, "invalid")
        after = any_service.profile(VARIANTS["main"], own_tokens["main"]).content
        assert after == before

    @pytest.mark.parametrize(
        "changes",
        [
            {"email": "a@b.example\nBcc: c@d.example"},
            {"email": "a\0@b.example"},
            {"email": "a" * 250 + "@b.example"},
            {"email": "@" * 60_000},
            {"email": ""},
            {"email": None},
            {"first_name": None},
            {"first_name": ["x"]},
            {"first_name": {"$set": 1}},
            {"first_name": 7},
            {"first_name": "\0"},
            {"last_name": "x" * 151},
            [],
            [{"first_name": "x"}],
            "first_name",
        ],
        ids=lambda changes: ascii(changes)[:30],
    )
    def test_invalid_field_values_are_rejected(self, any_service, own_tokens, changes):
        answer = change(any_service, own_tokens["main"], changes)

        assert_problem(answer, 400, "invalid")

    @pytest.mark.parametrize("name", ["<script>alert(1)</script>", "{{7*7}}", "\u202e"])
    def test_text_is_returned_unchanged_as_json(self, any_service, own_tokens, name):
        answer = change(any_service, own_tokens["main"], {"last_name": name})

        assert answer.json()["last_name"] == name
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        change(any_service, own_tokens["main"], {"last_name": ""})


@pytest.fixture(scope="module")
def odd_users(any_service: Service) -> dict[str, tuple[str, str]]:
    """Users whose passwords have surrounding spaces or decomposed characters."""
    users = {
        "spaces": (uuid.uuid4().hex, "  let-me-in\t"),
        "combined": (uuid.uuid4().hex, "let-me-in-cafe\u0301"),
    }
    any_service.python(
        "from authapi.models import User\n"
        f"for name, password in {[*users.values()]!a}:\n"
        "    User.objects.create_user(name, None, password)"
    )
    return users


def send(service, path: str, body: bytes, content_type: str = "application/json"):
    return service.client.post(
        path, content=body, headers={"Content-Type": content_type}
    )


def log_in(service, variant: Variant, username: Any, password: Any):
    return service.post(variant.login, {"username": username, "password": password})


def change(service, token: str, changes: Any):
    return service.client.patch(
        "/api/profile/", json=changes, headers={"Authorization": f"Bearer {token}"}
    )
