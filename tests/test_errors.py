"""Every error is a problem (RFC 9457), wherever it was raised."""

import pytest
from django.test import override_settings

from authapi.http.problems import MEDIA_TYPE
from tests.conftest import PASSWORD, assert_problem

pytestmark = pytest.mark.requirement(
    "RFC 9457 3", "RFC 9457 3.1.1", "RFC 9457 3.1.2", "RFC 9457 3.1.3", "RFC 9457 4.2.1"
)

CREDENTIALS = b'{"username": "ada", "password": "x"}'


@pytest.fixture
def send(api, db):
    """POST raw bytes to the login."""

    def send(body: bytes, content_type: str = "application/json"):
        return api.client.generic("POST", "/api/token/", body, content_type)

    return send


class TestBodies:
    @pytest.mark.parametrize(
        "body",
        [
            b"{",
            b"nonsense",
            b"\xff\xfe",
            b'{"username": NaN}',
            b'{"username": 1e999}',
            b'{"username": "\\ud800"}',
            b"\0",
            b"[" * 30_000,
            b'{"a":' * 10_000,
            "{}".encode("utf-16"),
        ],
        ids=lambda body: repr(body[:20]),
    )
    def test_unparsable_bodies_are_rejected(self, send, body):
        assert_problem(send(body), 400, "parse_error")

    @pytest.mark.requirement("RFC 9457 3.2")
    @pytest.mark.parametrize("body", [b"[]", b"7", b'"x"', b"null", b"true", b""])
    def test_bodies_other_than_objects_are_rejected(self, send, body):
        answer = send(body)

        assert_problem(answer, 400, "invalid")
        assert answer.json()["errors"]

    @pytest.mark.parametrize(
        "content_type",
        [
            "text/plain",
            "multipart/form-data; boundary=x",
            "application/x-www-form-urlencoded",
            "application/jsonx",
            "*/*",
            "",
        ],
    )
    def test_other_media_types_are_rejected(self, send, content_type):
        assert_problem(send(CREDENTIALS, content_type), 415, "unsupported_media_type")

    def test_bodies_are_utf_8_whatever_the_charset_says(self, send):
        answer = send(CREDENTIALS, "Application/JSON; charset=utf-16")

        assert_problem(answer, 401, "no_active_account")


class TestPaths:
    def test_unknown_paths_are_not_found(self, api):
        assert_problem(api.get("/nowhere/"), 404, "not_found")

    @pytest.mark.requirement("RFC 9457 3.1.4")
    def test_a_missing_slash_is_explained_to_a_client(self, api):
        answer = api.post("/api/token", {})

        assert_problem(answer, 404, "not_found")
        assert "/api/token/" in answer.json()["detail"]

    def test_a_missing_slash_redirects_a_browser(self, api):
        answer = api.get("/api/docs?x=1")

        assert answer.status_code == 302
        assert answer["Location"] == "/api/docs/?x=1"

    @pytest.mark.requirement("RFC 9700 4.11")
    @pytest.mark.parametrize("path", ["//evil.example", "/\\evil.example", "/\r\nx"])
    def test_redirects_stay_on_this_host(self, api, path):
        assert_problem(api.client.get("/", PATH_INFO=path), 404, "not_found")

    def test_the_root_redirects_to_the_docs(self, api):
        assert api.get("/")["Location"] == "/api/docs/"


class TestMethods:
    @pytest.mark.requirement("ASVS 13.4.4")
    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "TRACE"])
    def test_unsupported_methods_are_rejected(self, api, db, method):
        answer = api(method, "/api/token/")

        assert_problem(answer, 405, "method_not_allowed")
        assert answer["Allow"] == "POST"

    def test_unsupported_methods_of_plain_views_are_rejected(self, api):
        answer = api.post("/.well-known/jwks.json", {})

        assert_problem(answer, 405, "method_not_allowed")
        assert answer["Allow"] == "GET, HEAD"


class TestDjangosOwn:
    def test_an_unknown_host_is_rejected(self, client):
        """No operation documents this error, because it is raised before routing."""
        answer = client.get("/api/profile/", headers={"Host": "evil.example"})

        assert_problem(answer, 400, "invalid")

    @pytest.mark.requirement("RFC 9457 5", "ASVS 16.5.1")
    @pytest.mark.parametrize("debug", [False, True])
    def test_a_server_error_reveals_nothing(self, api, user, monkeypatch, debug):
        """The error is real: a table is missing. The answer does not mention it."""
        from django.db import connection

        with override_settings(DEBUG=debug), connection.cursor() as cursor:
            cursor.execute("ALTER TABLE authapi_session RENAME TO lost")
            answer = api.post("/api/token/", {"username": "ada", "password": PASSWORD})

        assert_problem(answer, 500, "server_error")
        assert b"lost" not in answer.content
        assert b"authapi_session" not in answer.content

    def test_the_admin_keeps_its_error_pages(self, api, db):
        answer = api.get("/admin/nowhere/")

        assert answer.status_code in {302, 404}
        assert answer["Content-Type"] != MEDIA_TYPE


def test_an_unsupported_accept_header_gets_json(api, db):
    answer = api.client.get("/api/profile/", headers={"Accept": "text/html"})

    assert_problem(answer, 401, "not_authenticated")
