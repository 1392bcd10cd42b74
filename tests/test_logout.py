"""``POST /api/token/blacklist/`` ends the session, and all its tokens at once."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from tests.conftest import assert_problem


@pytest.mark.requirement("RFC 9700 4.14.2", "ASVS 7.4.1", "RFC 6750 3.1")
class TestLogout:
    def test_ends_the_access_token_at_once(self, api, login, logout):
        pair = login()

        assert logout(pair.json()["refresh"]).status_code == 204

        assert_problem(api.profile(pair), 401, "token_not_valid", "session_ended")

    def test_ends_the_refresh_token(self, login, logout, refresh):
        token = login().json()["refresh"]

        logout(token)

        assert_problem(refresh(token), 401, "token_not_valid", "session_ended")

    def test_can_be_repeated(self, login, logout):
        token = login().json()["refresh"]

        assert [logout(token).status_code for _ in range(2)] == [204, 204]

    def test_accepts_a_spent_token(self, login, logout, refresh):
        spent = login().json()["refresh"]
        newest = refresh(spent).json()["refresh"]

        assert logout(spent).status_code == 204

        assert_problem(refresh(newest), 401, "token_not_valid", "session_ended")

    def test_keeps_other_sessions(self, api, login, logout):
        other = login()

        logout(login().json()["refresh"])

        assert api.profile(other).status_code == 200

    def test_requires_a_refresh_token(self, login, logout):
        assert_problem(logout(login().json()["access"]), 401, "token_not_valid")

    def test_reports_an_expired_session(self, login, logout):
        token = login().json()["refresh"]

        with time_machine.travel(timezone.now() + timedelta(days=15)):
            assert_problem(logout(token), 401, "token_not_valid", "session_ended")

    @pytest.mark.parametrize("path", ["refresh", "blacklist"])
    def test_rejects_a_body_without_a_token(self, api, db, path):
        answer = api.post(f"/api/token/{path}/", {})

        assert_problem(answer, 400, "invalid")
        assert answer.json()["errors"] == {"refresh": ["This field is required."]}
