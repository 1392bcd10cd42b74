"""The output of the server contains no secrets. `conftest.discreet` searches the rest of it."""

import re

import pytest

from tests.conftest import FAULTS, SECRETS, assert_problem
from tests.server import PASSWORD, USER, serve
from tests.variants import VARIANTS


@pytest.mark.requirement("RFC 9700 4.9.3", "ASVS 16.2.5")
class TestOutput:
    @pytest.mark.requirement("RFC 9457 5", "ASVS 16.5.1", "ASVS 16.5.4")
    def test_server_errors_are_logged_without_secrets(self, tmp_path):
        """A table is missing, so each login fails in code that handles secrets."""
        with serve(tmp_path) as service:
            pair = service.login()
            access = {"Authorization": f"Bearer {pair['access']}"}
            service.python(
                "from django.db import connection;"
                "connection.cursor().execute('ALTER TABLE authapi_session RENAME TO x')"
            )
            answers = [
                service.post(
                    f"{path}?password={PASSWORD}&token={pair['access']}",
                    {
                        "username": USER,
                        "password": PASSWORD,
                        "refresh": pair["refresh"],
                        "token": pair["access"],
                    },
                    headers=access,
                )
                for path in (
                    *(variant.login for variant in VARIANTS.values()),
                    "/api/token/refresh/",
                    "/api/token/verify/",
                    "/api/token/blacklist/",
                )
            ]
            answers.append(service.client.get("/api/sessions/?page=1", headers=access))
        said = service.log.read_text()

        for answer in answers:
            assert_problem(answer, 500, "server_error")
            assert "authapi_session" not in answer.text
            assert f"Internal Server Error: {answer.url.path}" in said
        assert FAULTS.search(said)
        assert not SECRETS.search(said), said

    @pytest.mark.requirement("ASVS 13.4.6")
    @pytest.mark.parametrize(
        "path",
        ["/api/profile/", "/api/docs/", "/admin/login/", "/static/", "/nowhere/"],
    )
    def test_no_header_names_a_version(self, service, path):
        answer = service.client.get(path)

        assert answer.headers["Server"] == "granian"
        assert not re.search(r"\d\.\d", str(answer.headers)), answer.headers

    @pytest.mark.parametrize(
        "line",
        [
            f"INFO login of demo with {PASSWORD}",
            "INFO refused eyJhbGciOiJFUzI1NiJ9",
            "INFO GET /api/sessions/?page=2",
            "INFO GET /api/token/?p%61ss=x",
        ],
    )
    def test_the_search_finds_leaks(self, line):
        assert SECRETS.search(line)
