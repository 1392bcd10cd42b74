"""Hostile headers, paths and methods give no access and cause no errors."""

from urllib.parse import quote

import pytest

from tests.conftest import assert_problem
from tests.server import PASSWORD, USER
from tests.variants import Variant
from tests.wire import answers

FORM, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"
BAD_BASE64 = (
    b'--x\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n'
    b"Content-Transfer-Encoding: base64\r\n\r\nA\r\n--x--\r\n"
)


class TestAuthorizationHeader:
    @pytest.mark.parametrize("scheme", ["bearer ", "BEARER ", "bEaReR ", "Bearer  "])
    def test_the_scheme_is_case_insensitive(self, any_service, variant, token, scheme):
        answer = authorized(any_service, variant, scheme + token)

        assert answer.status_code == 200

    @pytest.mark.requirement("RFC 6750 2.1", "RFC 6750 3.1")
    @pytest.mark.parametrize(
        "value",
        [
            "Bearer",
            "Bearer x",
            "Bearer a b",
            "Bearer {} x",
            "Bearer x {}",
            "Bearer {}, Bearer {}",
            "Bearer Bearer {}",
            'Bearer "{}"',
            "Bearer token={}",
            "Bearer a\tb",
            "Bearer .",
            "Bearer ..",
            "Bearer a.b.c.d",
            "Bearer null",
            "Bearer undefined",
            "Bearer %s%n",
            "Bearer ' OR '1'='1",
        ],
    )
    def test_exactly_one_token_is_required(self, any_service, variant, token, value):
        answer = authorized(any_service, variant, value.format(token, token))

        assert_problem(answer, 401, "token_not_valid")

    @pytest.mark.parametrize(
        "value",
        [
            "",
            "{}",
            "Basic {}",
            "Token {}",
            "JWT {}",
            "Bearerx {}",
            "Bearer,{}",
            "Bearer:{}",
            "Bearer\t{}",
            "Bearer\u00a0{}",
            "Bearer é",
            "Bearer {}é",
            "Négociation {}",
        ],
    )
    def test_other_schemes_and_non_ascii_values_are_rejected(
        self, any_service, variant, token, value
    ):
        answer = authorized(any_service, variant, value.format(token))

        assert_problem(answer, 401, "not_authenticated")

    @pytest.mark.parametrize(
        ("first", "second", "code"),
        [
            ("Bearer {}", "Bearer {}", "token_not_valid"),
            ("Bearer {}", "Basic YTpi", "token_not_valid"),
            ("Basic YTpi", "Bearer {}", "not_authenticated"),
            ("", "Bearer {}", "not_authenticated"),
        ],
    )
    def test_duplicate_headers_are_rejected(
        self, any_service, variant, token, first, second, code
    ):
        headers = [("Authorization", value.format(token)) for value in (first, second)]

        answer = any_service.client.get(variant.profile, headers=headers)

        assert_problem(answer, 401, code)

    @pytest.mark.parametrize("length", [5_000, 60_000, 400_000])
    @pytest.mark.parametrize("unit", ["a", ".", "a.", "-_"])
    def test_very_long_values_are_handled(self, any_service, variant, unit, length):
        value = "Bearer " + unit * (length // len(unit))

        answer = authorized(any_service, variant, value)

        if length > 8192:
            assert_problem(answer, 431, "header_too_large")
        else:
            assert_problem(answer, 401, "token_not_valid")

    def test_a_megabyte_is_rejected_by_the_server(self, any_service, variant):
        answer = authorized(any_service, variant, "Bearer " + "a" * 1_000_000)

        assert (answer.status_code, answer.content) == (431, b"")

    @pytest.mark.parametrize(
        "name",
        [
            "Proxy-Authorization",
            "X-Authorization",
            "X-Forwarded-Authorization",
            "HTTP_AUTHORIZATION",
            "Http-Authorization",
            "Authorization_",
            "Remote-User",
            "X-Forwarded-User",
        ],
    )
    def test_other_header_names_do_not_authenticate(
        self, any_service, variant, token, name
    ):
        answer = any_service.client.get(
            variant.profile, headers={name: f"Bearer {token}"}
        )

        assert_problem(answer, 401, "not_authenticated")

    @pytest.mark.requirement("RFC 6750 2.3", "RFC 6750 5.3", "ASVS 14.2.1")
    def test_cookies_and_parameters_do_not_authenticate(
        self, any_service, variant, token
    ):
        query = f"access_token={token}&token={token}&jwt={token}"
        cookies = f"access={token}; token={token}; Authorization=Bearer {token}"

        answer = any_service.client.get(
            f"{variant.profile}?{query}", headers={"Cookie": cookies}
        )

        assert_problem(answer, 401, "not_authenticated")


class TestOtherHeaders:
    @pytest.mark.parametrize(
        "host",
        [
            "evil.example",
            "127.0.0.1@evil.example",
            "127.0.0.1.evil.example",
            "127.0.0.1 evil.example",
            "127.0.0.1,evil.example",
            "127.0.0.1/evil",
            "127.0.0.1:evil",
            "[::1",
            "",
            ".",
            "a" * 400_000,
        ],
        ids=lambda host: host[:24],
    )
    def test_unknown_hosts_are_rejected(self, any_service, host):
        answer = any_service.client.get("/api/profile/", headers={"Host": host})

        assert_problem(answer, 400, "invalid")

    @pytest.mark.parametrize(
        "headers",
        [
            {"X-Forwarded-Host": "evil.example"},
            {"X-Forwarded-Proto": "https", "X-Forwarded-Port": "1"},
            {"Forwarded": "host=evil.example;proto=https"},
            {"X-Host": "evil.example", "X-Forwarded-Server": "evil.example"},
            {"X-Forwarded-Prefix": "//evil.example", "X-Script-Name": "/evil"},
        ],
        ids=lambda headers: ",".join(headers),
    )
    def test_forwarding_headers_do_not_change_redirects(self, any_service, headers):
        answer = any_service.client.get("/api/docs", headers=headers)

        assert answer.status_code == 302
        assert answer.headers["Location"] == "/api/docs/"

    @pytest.mark.parametrize(
        "name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"]
    )
    def test_method_override_headers_are_ignored(self, any_service, name):
        answer = any_service.client.get("/api/token/", headers={name: "POST"})

        assert_problem(answer, 405, "method_not_allowed")

    @pytest.mark.parametrize("name", ["X-Original-URL", "X-Rewrite-URL"])
    def test_path_override_headers_are_ignored(self, any_service, name):
        answer = any_service.client.get(
            "/api/profile/", headers={name: "/health/live/"}
        )

        assert_problem(answer, 401, "not_authenticated")

    @pytest.mark.parametrize("path", ["/api/schema/", "/api/docs/", "/admin/login/"])
    @pytest.mark.parametrize(
        ("name", "unit"),
        [
            ("Accept", "a/b;q=0.1,"),
            ("Accept", 'a/b;q="'),
            ("Accept", "*/*;q=nan,"),
            # Without a limit, Django needs more than a minute to parse this, here or as a Content-Type.
            ("Accept", ";"),
            ("Accept-Encoding", "gzip;q=0,"),
            ("Accept-Language", "en-"),
            ("Content-Type", ";a=b"),
            ("Content-Type", ';a="'),
            ("Content-Type", ";"),
            ("Cookie", "a=b;"),
            ("Cookie", 'sessionid="\\'),
            ("If-None-Match", '"a",'),
            ("If-None-Match", '"'),
            ("If-Modified-Since", "Mon,"),
            ("Range", "0-0,"),
            ("X-Forwarded-For", "192.0.2.1,"),
            ("User-Agent", "x"),
            ("Referer", "https://"),
        ],
    )
    def test_very_long_values_are_handled(self, any_service, path, name, unit):
        value = 'a/b; a="' + unit * (300_000 // len(unit))

        answer = any_service.client.get(path, headers={name: value})

        assert answer.status_code == 200

    @pytest.mark.parametrize("count", [100, 5_000])
    def test_too_many_headers_are_rejected(self, any_service, count):
        headers = [(f"X-{number}", "x") for number in range(count)]

        answer = any_service.client.get("/api/profile/", headers=headers)

        assert (answer.status_code, answer.content) == (431, b"")

    @pytest.mark.parametrize(
        "value", ["é", "\u202e", "<script>", "' OR 1=1", "x" * 5_000], ids=ascii
    )
    def test_any_user_agent_can_log_in(self, any_service, variant, value):
        answer = any_service.post(
            variant.login,
            {"username": USER, "password": PASSWORD},
            headers={"User-Agent": value.encode(), "X-Forwarded-For": "' OR 1=1"},
        )

        assert answer.status_code == 200

    @pytest.mark.parametrize("origin", ["https://evil.example", "null"])
    @pytest.mark.parametrize("method", ["GET", "OPTIONS"])
    def test_other_origins_cannot_read_answers(self, any_service, method, origin):
        answer = any_service.client.request(
            method,
            "/api/profile/",
            headers={"Origin": origin, "Access-Control-Request-Method": "GET"},
        )

        assert "Access-Control-Allow-Origin" not in answer.headers


class TestPaths:
    @pytest.mark.requirement("ASVS 13.4.1", "ASVS 13.4.3")
    @pytest.mark.parametrize(
        "path",
        [
            "//api/token/",
            "/api//token/",
            "/api/token//",
            "/api/token/..;/",
            "/api/token/;x=1/",
            "/api/%2e%2e/api/token/",
            "/api/./token/",
            "/API/TOKEN/",
            "/api/token%20/",
            "/api/token/%00",
            "/api/token/%ff/",
            "/api/token/%0d%0aX-Evil:%20y/",
            "/api/token.json/",
            "/api/%252e%252e/",
            "/static/",
            "/static/schema/",
            "/static/../manage.py",
            "/static/%2e%2e/%2e%2e/manage.py",
            "/static/..%2f..%2fmanage.py",
            "/static/..%5cmanage.py",
            "/static//etc/passwd",
            "/static/%00",
            "/static/" + "a" * 3_000,
            "/static/staticfiles.json/",
            "/.env",
            "/.git/config",
            "/db.sqlite3",
            "/.well-known/jwks.json/",
            "/api/sessions/1/",
            "/api/sessions/%27%20OR%201=1/",
            "/api/sessions/00000000-0000-4000-8000-000000000000%00/",
            "/api/sessions/00000000-0000-4000-8000-00000000000A/",
        ],
        ids=lambda path: path[:60],
    )
    def test_unknown_paths_are_not_found(self, any_service, path):
        assert asked(any_service, path) == ["404 not_found"]

    @pytest.mark.parametrize(
        "path",
        [
            "//evil.example/api/docs",
            "/%5cevil.example/api/docs",
            "/api/docs%3f//evil.example",
            "/api/docs%0d%0aLocation:%20//evil.example",
            "/%09/evil.example",
            "/https://evil.example",
        ],
    )
    @pytest.mark.requirement("RFC 9700 4.11")
    def test_paths_do_not_redirect_to_other_hosts(self, any_service, path):
        assert asked(any_service, path) == ["404 not_found"]

    @pytest.mark.parametrize("path", ["/api/%74oken/", "/api/token%2f", "/api/token/?"])
    def test_percent_encoded_paths_are_equivalent(self, any_service, path):
        answer = any_service.post(path, {"username": USER, "password": "let-me-in"})

        assert_problem(answer, 401, "no_active_account")

    @pytest.mark.parametrize("name", ["token", "token/refresh", "manual/login"])
    def test_a_post_without_the_trailing_slash_is_not_found(self, any_service, name):
        answer = any_service.post(
            f"/api/{name}", {"username": USER, "password": PASSWORD}
        )

        assert_problem(answer, 404, "not_found")
        assert f"/api/{name}/" in answer.json()["detail"]

    def test_the_jwks_contains_only_public_members(self, any_service):
        (key,) = any_service.client.get("/.well-known/jwks.json").json()["keys"]

        assert key.keys() == {"kty", "crv", "x", "y", "kid", "alg", "use"}


class TestMethods:
    @pytest.mark.requirement("ASVS 13.4.4")
    @pytest.mark.parametrize(
        ("path", "allowed"),
        [
            ("/api/token/", {"POST"}),
            ("/api/token/refresh/", {"POST"}),
            ("/api/token/verify/", {"POST"}),
            ("/api/token/blacklist/", {"POST"}),
            ("/api/manual/login/", {"POST"}),
            ("/.well-known/jwks.json", {"GET", "HEAD"}),
            ("/api/schema/", {"GET", "HEAD"}),
            ("/health/live/", {"GET", "HEAD"}),
        ],
    )
    @pytest.mark.parametrize(
        "method",
        ["HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "CONNECT", "PROPFIND", "A" * 500],
        ids=lambda method: method[:8],
    )
    def test_unsupported_methods_are_rejected(self, any_service, path, allowed, method):
        answer = any_service.client.request(method, path)

        if method in allowed:
            assert (answer.status_code, answer.content) == (200, b"")
        else:
            assert answer.status_code == 405
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert set(answer.headers["Allow"].split(", ")) == allowed

    @pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "DELETE", "POST", "X"])
    def test_unsupported_methods_also_need_a_token(self, any_service, variant, method):
        answer = any_service.client.request(method, variant.profile)

        assert_problem(answer, 401, "not_authenticated")

    def test_head_answers_like_get_without_a_body(self, any_service, variant, token):
        refused = any_service.client.head(variant.profile)
        allowed = any_service.client.head(
            variant.profile, headers={"Authorization": f"Bearer {token}"}
        )

        assert (refused.status_code, refused.content) == (401, b"")
        assert (allowed.status_code, allowed.content) == (200, b"")


class TestQueries:
    @pytest.mark.parametrize(
        "page",
        ["-1", "0", "1e9", "9" * 21, "9" * 5_000, "a", "\0", "²", "_1", "1;DROP"],
        ids=lambda page: ascii(page)[:30],
    )
    def test_invalid_pages_are_not_found(self, any_service, own_tokens, page):
        answer = sessions(any_service, own_tokens["main"], f"page={quote(page)}")

        assert_problem(answer, 404, "not_found")

    @pytest.mark.parametrize(
        "query", ["page_size=1000000", "limit=9&offset=-1", "format=xml", "user=1"]
    )
    def test_unknown_parameters_are_ignored(self, any_service, own_tokens, query):
        answer = sessions(any_service, own_tokens["main"], query)

        assert answer.status_code == 200
        assert len(answer.json()["results"]) <= 20

    def test_too_many_parameters_are_rejected(self, any_service, own_tokens):
        answer = sessions(any_service, own_tokens["main"], "a=1&" * 2_000)

        assert_problem(answer, 400, "invalid")

    @pytest.mark.parametrize(
        "query", ["format=../../etc/passwd", "version=9", "format=%00", "format=html"]
    )
    def test_unknown_schema_formats_are_rejected(self, any_service, query):
        answer = any_service.client.get(f"/api/schema/?{query}")

        assert_problem(answer, 400, "invalid")


class TestAdmin:
    def test_the_login_requires_a_csrf_token(self, any_service):
        answer = any_service.client.post(
            "/admin/login/", data={"username": USER, "password": PASSWORD}
        )

        assert answer.status_code == 403

    def test_a_bearer_token_does_not_authenticate(self, any_service, variant, token):
        answer = authorized(any_service, variant, f"Bearer {token}", "/admin/")

        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/admin/login/")

    @pytest.mark.parametrize(
        "next_page", ["//evil.example", "https://evil.example", "javascript:alert(1)"]
    )
    @pytest.mark.requirement("RFC 9700 4.11")
    def test_a_rejected_login_does_not_redirect(self, any_service, next_page):
        form = f"/admin/login/?next={next_page}"
        cookie = any_service.client.get(form).cookies["csrftoken"]

        answer = any_service.client.post(
            form,
            data={
                "username": USER,
                "password": PASSWORD,
                "csrfmiddlewaretoken": cookie,
            },
            headers={"Cookie": f"csrftoken={cookie}"},
        )

        assert answer.status_code == 200
        assert "sessionid" not in answer.cookies

    @pytest.mark.parametrize(
        ("content_type", "body", "status"),
        [
            (FORM, b"username=%00&password=%00", 200),
            (FORM, b"username=%ff&password=%ed%a0%80", 200),
            (FORM, b"a=1&" * 5_000, 400),
            (f"{FORM}; charset=utf-7", b"a=%ff", 200),
            (MULTIPART, b"--x\r\nContent-Disposition: form", 200),
            (MULTIPART + "x" * 400, b"--x\r\n", 400),
            (MULTIPART, BAD_BASE64, 400),
            ("application/json", b'{"username": 1}', 200),
        ],
        ids=[
            *("nul", "utf-8", "many", "charset", "cut-short", "boundary", "base64"),
            "json",
        ],
    )
    def test_invalid_forms_do_not_log_in(self, any_service, content_type, body, status):
        cookie = any_service.client.get("/admin/login/").cookies["csrftoken"]

        answer = any_service.client.post(
            "/admin/login/",
            content=body,
            headers={
                "Content-Type": content_type,
                "Cookie": f"csrftoken={cookie}",
                "X-CSRFToken": cookie,
            },
        )

        assert answer.status_code == status
        assert "sessionid" not in answer.cookies

    @pytest.mark.parametrize(
        "cookie",
        ["sessionid=" + "a" * 200_000, 'sessionid="\\000\\000\\000\\000\\000\\000"'],
        ids=["long", "nul"],
    )
    def test_invalid_session_cookies_do_not_log_in(self, any_service, cookie):
        answer = any_service.client.get("/admin/", headers={"Cookie": cookie})

        assert answer.status_code == 302


def authorized(service, variant: Variant, value: str, path: str | None = None):
    return service.client.get(
        path or variant.profile, headers={"Authorization": value.encode()}
    )


def asked(service, path: str) -> list[str]:
    """Request a path without any normalization."""
    line = f"GET {path} HTTP/1.1\r\n"
    return answers(
        service, line.encode() + b"Host: 127.0.0.1\r\nConnection: close\r\n\r\n"
    )


def sessions(service, token: str, query: str):
    return service.client.get(
        f"/api/sessions/?{query}", headers={"Authorization": f"Bearer {token}"}
    )
