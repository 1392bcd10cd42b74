"""``POST /api/token/verify/`` gives the same verdict as authentication, and changes nothing."""

from datetime import timedelta

import time_machine
from django.utils import timezone

from tests.conftest import assert_problem
from tests.payload import payload


class TestVerify:
    def test_describes_an_access_token(self, login, verify):
        token = login().json()["access"]

        answer = verify(token)

        assert answer.status_code == 200
        assert answer["Cache-Control"] == "no-store"
        body = answer.json()
        assert body["token_type"] == "access"
        assert 290 <= body["expires_in"] <= 300
        assert body["username"] == "ada"
        assert body["session"] == payload(token)["sid"]

    def test_describes_a_refresh_token_without_spending_it(
        self, login, verify, refresh
    ):
        token = login().json()["refresh"]

        assert verify(token).json()["token_type"] == "refresh"

        assert refresh(token).status_code == 200

    def test_accepts_the_predecessor_while_a_refresh_would(
        self, login, verify, refresh
    ):
        spent = login().json()["refresh"]
        newest = refresh(spent).json()["refresh"]

        assert verify(spent).status_code == 200
        refresh(newest)
        assert_problem(verify(spent), 401, "token_not_valid")
        assert verify(newest).status_code == 200

    def test_rejects_tokens_of_an_ended_session(self, login, verify, logout):
        pair = login().json()
        logout(pair["refresh"])

        assert_problem(verify(pair["access"]), 401, "token_not_valid", "session_ended")
        assert_problem(verify(pair["refresh"]), 401, "token_not_valid", "session_ended")

    def test_reports_an_expired_access_token(self, login, verify):
        token = login().json()["access"]

        with time_machine.travel(timezone.now() + timedelta(seconds=331)):
            assert_problem(verify(token), 401, "token_not_valid", "expired")

    def test_rejects_text_that_is_not_a_token(self, api, db, verify):
        assert_problem(verify("a.b.c"), 401, "token_not_valid")
        assert_problem(verify("ü"), 401, "token_not_valid")
        assert_problem(api.post("/api/token/verify/", {"token": 1}), 400, "invalid")
