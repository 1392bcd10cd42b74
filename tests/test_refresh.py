"""``POST /api/token/refresh/``: a refresh token works once."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from authapi.models import Session
from tests.conftest import assert_problem
from tests.payload import payload


@pytest.fixture
def clock():
    """Time that stands still until it is moved."""
    with time_machine.travel(timezone.now(), tick=False) as traveller:
        yield traveller


class TestRotation:
    def test_gives_a_new_pair(self, api, login, refresh):
        first = login()

        second = refresh(first.json()["refresh"])

        assert second.status_code == 200
        assert second["Cache-Control"] == "no-store"
        assert (
            payload(second.json()["refresh"])["jti"]
            != payload(first.json()["refresh"])["jti"]
        )
        assert api.profile(second).status_code == 200

    def test_keeps_the_access_tokens_of_the_session(self, api, login, refresh):
        first = login()

        refresh(first.json()["refresh"])

        assert api.profile(first).status_code == 200

    def test_stores_nothing_more(self, login, refresh):
        token = login().json()["refresh"]
        for _ in range(5):
            token = refresh(token).json()["refresh"]

        assert Session.objects.count() == 1


class TestReplay:
    @pytest.mark.parametrize("age", [0, 9.9])
    def test_the_predecessor_gets_the_same_successor_within_ten_seconds(
        self, login, refresh, clock, age
    ):
        spent = login().json()["refresh"]
        successor = refresh(spent).json()["refresh"]

        clock.shift(age)
        again = refresh(spent)

        assert again.status_code == 200
        assert payload(again.json()["refresh"]) == payload(successor)
        assert refresh(successor).status_code == 200

    def test_later_it_ends_the_session(self, api, login, refresh, clock):
        """The service cannot tell thief from owner."""
        first = login()
        spent = first.json()["refresh"]
        newest = refresh(spent)

        clock.shift(10.1)
        replay = refresh(spent)

        assert_problem(replay, 401, "token_not_valid", "reused")
        assert_problem(
            refresh(newest.json()["refresh"]), 401, "token_not_valid", "session_ended"
        )
        assert_problem(api.profile(newest), 401, "token_not_valid", "session_ended")
        assert_problem(api.profile(first), 401, "token_not_valid", "session_ended")

    def test_the_one_before_the_predecessor_ends_the_session_at_once(
        self, login, refresh, clock
    ):
        oldest = login().json()["refresh"]
        newest = refresh(refresh(oldest).json()["refresh"]).json()["refresh"]

        assert_problem(refresh(oldest), 401, "token_not_valid", "reused")
        assert_problem(refresh(newest), 401, "token_not_valid", "session_ended")

    def test_leaves_the_users_other_sessions_alone(self, api, login, refresh, clock):
        other, spent = login(), login().json()["refresh"]
        refresh(spent)
        clock.shift(60)

        refresh(spent)

        assert api.profile(other).status_code == 200


class TestLifetime:
    def test_a_session_idle_for_fourteen_days_is_over(self, login, refresh, clock):
        token = login().json()["refresh"]

        clock.shift(timedelta(days=14, seconds=6))

        assert_problem(refresh(token), 401, "token_not_valid", "session_ended")

    def test_a_refresh_moves_the_end(self, login, refresh, clock):
        token = login().json()["refresh"]
        for _ in range(3):
            clock.shift(timedelta(days=13))
            answer = refresh(token)
            assert answer.status_code == 200
            token = answer.json()["refresh"]

    def test_no_refresh_moves_it_beyond_ninety_days(self, login, refresh, clock):
        answer = login()
        for _ in range(8):
            clock.shift(timedelta(days=11))
            answer = refresh(answer.json()["refresh"])
        assert answer.status_code == 200
        claims = payload(answer.json()["refresh"])
        assert claims["exp"] - claims["iat"] == timedelta(days=2).total_seconds()

        clock.shift(timedelta(days=2, seconds=6))

        assert_problem(
            refresh(answer.json()["refresh"]), 401, "token_not_valid", "session_ended"
        )

    def test_an_access_token_does_not_outlive_the_session(self, login, refresh, clock):
        answer = login()
        for _ in range(6):
            clock.shift(timedelta(days=13))
            answer = refresh(answer.json()["refresh"])
        clock.shift(timedelta(days=12) - timedelta(seconds=60))
        claims = payload(refresh(answer.json()["refresh"]).json()["access"])

        assert claims["exp"] - claims["iat"] == 60


class TestWhoMayNot:
    def test_a_deleted_user(self, login, refresh, user):
        token = login().json()["refresh"]
        user.delete()

        assert_problem(refresh(token), 401, "token_not_valid", "session_ended")

    def test_a_disabled_user(self, login, refresh, user):
        token = login().json()["refresh"]
        user.is_active = False
        user.save()

        assert_problem(refresh(token), 401, "token_not_valid", "session_ended")

    def test_one_with_a_new_password(self, login, refresh, user):
        token = login().json()["refresh"]
        user.set_password("another one entirely")
        user.save()

        assert_problem(refresh(token), 401, "token_not_valid", "session_ended")

    def test_an_access_token(self, login, refresh):
        assert_problem(refresh(login().json()["access"]), 401, "token_not_valid")
