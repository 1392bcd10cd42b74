"""``POST /api/token/refresh/``: a refresh token works once."""

import io
import time
from datetime import timedelta

import pytest
import time_machine
from django.core.management import call_command

from authapi.models import Session
from tests.conftest import assert_problem, meanwhile
from tests.payload import payload


@pytest.fixture
def clock():
    """A clock that stands still until the test moves it."""
    with time_machine.travel(int(time.time()), tick=False) as traveller:
        yield traveller


@pytest.fixture
def place(api):
    """Refresh from another address, or with another user agent."""

    def place(address=None, user_agent=None):
        sender = {"REMOTE_ADDR": address} if address else {}
        headers = {"User-Agent": user_agent} if user_agent else {}

        def refresh(token):
            return api.client.post(
                "/api/token/refresh/",
                {"refresh": token},
                content_type="application/json",
                headers=headers,
                **sender,
            )

        return refresh

    return place


@pytest.mark.requirement("RFC 9700 2.2.2")
class TestRotation:
    @pytest.mark.requirement("RFC 9700 4.14.2", "ASVS 10.4.5", "ASVS 7.2.2")
    def test_returns_a_new_pair(self, api, login, refresh):
        first = login()

        second = refresh(first.json()["refresh"])

        assert second.status_code == 200
        assert second["Cache-Control"] == "no-store"
        assert (
            payload(second.json()["refresh"])["jti"]
            != payload(first.json()["refresh"])["jti"]
        )
        assert api.profile(second).status_code == 200

    def test_keeps_earlier_access_tokens_valid(self, api, login, refresh):
        first = login()

        refresh(first.json()["refresh"])

        assert api.profile(first).status_code == 200

    def test_adds_no_rows(self, login, refresh):
        token = login().json()["refresh"]
        for _ in range(5):
            token = refresh(token).json()["refresh"]

        assert Session.objects.count() == 1

    @pytest.mark.requirement("RFC 9700 4.9.3")
    def test_no_token_is_stored(self, login, refresh):
        first = login().json()
        second = refresh(first["refresh"]).json()
        stored = io.StringIO()

        call_command("dumpdata", stdout=stored)

        assert '"authapi.session"' in stored.getvalue()
        for token in (*first.values(), *second.values()):
            assert token.split(".")[1] not in stored.getvalue()


class TestRepeat:
    """A lost answer does not end the session, and the repeat does not help a thief."""

    @pytest.mark.parametrize(
        "later",
        [timedelta(0), timedelta(seconds=11), timedelta(hours=1), timedelta(days=13)],
        ids=str,
    )
    def test_from_the_same_network_returns_the_same_successor(
        self, login, refresh, clock, later
    ):
        spent = login().json()["refresh"]
        successor = refresh(spent).json()["refresh"]

        clock.shift(later)
        again = refresh(spent)

        assert again.status_code == 200
        assert payload(again.json()["refresh"]) == payload(successor)
        assert refresh(successor).status_code == 200

    @pytest.mark.parametrize("address", ["192.0.2.200", "2001:db8:0:ffff::9"])
    def test_the_same_network_counts_as_the_same_place(
        self, login, place, clock, address
    ):
        home = place("192.0.2.1" if "." in address else "2001:db8::1")
        spent = home(login().json()["refresh"])
        token = spent.json()["refresh"]
        successor = home(token)
        clock.shift(3600)

        again = place(address)(token)

        assert payload(again.json()["refresh"]) == payload(successor.json()["refresh"])

    def test_two_racing_tabs_stay_signed_in(self, login, refresh):
        token = login().json()["refresh"]
        for _ in range(5):
            first, second = refresh(token), refresh(token)
            assert payload(first.json()["refresh"]) == payload(second.json()["refresh"])
            token = first.json()["refresh"]

    @pytest.mark.parametrize(
        "elsewhere", [("203.0.113.9", None), (None, "another/1.0")]
    )
    def test_from_elsewhere_succeeds_once_within_ten_seconds(
        self, login, refresh, place, clock, elsewhere
    ):
        spent = login().json()["refresh"]
        successor = refresh(spent).json()["refresh"]

        clock.shift(10)
        again = place(*elsewhere)(spent)

        assert payload(again.json()["refresh"]) == payload(successor)
        assert refresh(successor).status_code == 200

    def test_from_elsewhere_twice_is_reuse(self, login, refresh, place):
        spent = login().json()["refresh"]
        successor = refresh(spent).json()["refresh"]
        place("203.0.113.9")(spent)

        answer = place("203.0.113.9")(spent)

        assert_problem(answer, 401, "token_not_valid", "reused")
        assert_problem(refresh(successor), 401, "token_not_valid", "session_ended")

    def test_from_elsewhere_after_ten_seconds_is_reuse(
        self, login, refresh, place, clock
    ):
        spent = login().json()["refresh"]
        refresh(spent)
        clock.shift(10.1)

        answer = place("203.0.113.9")(spent)

        assert_problem(answer, 401, "token_not_valid", "reused")

    def test_the_window_does_not_slide(self, login, refresh, place, clock):
        spent = login().json()["refresh"]
        refresh(spent)
        for _ in range(2):
            clock.shift(6)
            assert refresh(spent).status_code == (200)

        answer = place("203.0.113.9")(spent)

        assert_problem(answer, 401, "token_not_valid", "reused")

    def test_a_thief_behind_the_owner_is_detected_at_the_second_token(
        self, api, login, refresh, place
    ):
        """The thief refreshes after the owner in every generation."""
        thief = place("203.0.113.9", "thief/1.0")
        stolen = login().json()["refresh"]
        owners = refresh(stolen)
        followed = thief(stolen)
        assert followed.status_code == 200

        newest = refresh(owners.json()["refresh"])
        answer = thief(followed.json()["refresh"])

        assert_problem(answer, 401, "token_not_valid", "reused")
        assert_problem(api.profile(newest), 401, "token_not_valid", "session_ended")

    def test_a_thief_ahead_of_the_owner_is_detected_by_the_owners_refresh(
        self, login, refresh, place
    ):
        thief = place("203.0.113.9", "thief/1.0")
        stolen = login().json()["refresh"]
        owners = refresh(stolen).json()["refresh"]
        followed = thief(stolen).json()["refresh"]
        assert thief(followed).status_code == 200

        answer = refresh(owners)

        assert_problem(answer, 401, "token_not_valid", "reused")

    def test_a_repeat_from_elsewhere_is_allowed_again_after_a_clean_refresh(
        self, login, refresh, place
    ):
        token = login().json()["refresh"]
        for generation in range(6):
            answer = refresh(token)
            if generation % 2 == 0:
                assert place("203.0.113.9")(token).status_code == 200
            token = answer.json()["refresh"]

    def test_a_repeat_after_logout_is_rejected(self, login, refresh, logout):
        spent = login().json()["refresh"]
        logout(refresh(spent).json()["refresh"])

        assert_problem(refresh(spent), 401, "token_not_valid", "session_ended")

    def test_the_new_address_is_listed_for_the_owner(self, api, login, place):
        moved = place("203.0.113.9", "phone/2.0")(login().json()["refresh"]).json()

        (listed,) = api.get("/api/sessions/", moved["access"]).json()["results"]

        assert (listed["address"], listed["user_agent"]) == ("203.0.113.9", "phone/2.0")


@pytest.mark.requirement("RFC 9700 2.2.2", "RFC 9700 4.14.2", "ASVS 10.4.5")
class TestReplay:
    @pytest.mark.parametrize("later", [0, 200])
    def test_an_older_token_ends_the_session_at_once(
        self, api, login, refresh, clock, later
    ):
        """The service cannot distinguish the thief from the owner."""
        first = login()
        oldest = first.json()["refresh"]
        newest = refresh(refresh(oldest).json()["refresh"])
        clock.shift(later)

        replay = refresh(oldest)

        assert_problem(replay, 401, "token_not_valid", "reused")
        token = newest.json()["refresh"]
        assert_problem(refresh(token), 401, "token_not_valid", "session_ended")
        assert_problem(api.profile(newest), 401, "token_not_valid", "session_ended")

    def test_keeps_the_users_other_sessions(self, api, login, refresh):
        other, spent = login(), login().json()["refresh"]
        refresh(refresh(spent).json()["refresh"])

        refresh(spent)

        assert api.profile(other).status_code == 200


class TestMeanwhile:
    """A request whose session another one has changed since it was read."""

    def test_a_session_that_ends_is_not_refreshed(self, login, refresh, logout):
        token = login().json()["refresh"]

        with meanwhile(lambda: logout(token)):
            answer = refresh(token)

        assert_problem(answer, 401, "token_not_valid", "session_ended")

    def test_a_token_that_is_spent_gets_the_same_successor(self, login, refresh):
        token = login().json()["refresh"]
        first = []

        with meanwhile(lambda: first.append(refresh(token).json()["refresh"])):
            second = refresh(token)

        assert payload(second.json()["refresh"]) == payload(first[0])

    def test_a_session_that_ends_is_not_repeated(self, login, refresh, logout, place):
        spent = login().json()["refresh"]
        newest = refresh(spent).json()["refresh"]

        with meanwhile(lambda: logout(newest)):
            answer = place("203.0.113.9")(spent)

        assert_problem(answer, 401, "token_not_valid", "reused")

    def test_a_token_is_repeated_from_one_other_place_only(self, login, refresh, place):
        spent = login().json()["refresh"]
        refresh(spent)
        first = []

        with meanwhile(lambda: first.append(place("203.0.113.9")(spent))):
            second = place("198.51.100.7")(spent)

        assert first[0].status_code == 200
        assert_problem(second, 401, "token_not_valid", "reused")

    def test_a_token_whose_successor_is_spent_is_not_repeated(
        self, login, refresh, place
    ):
        spent = login().json()["refresh"]
        newest = refresh(spent).json()["refresh"]

        with meanwhile(lambda: refresh(newest)):
            answer = place("203.0.113.9")(spent)

        assert_problem(answer, 401, "token_not_valid", "reused")


class TestLifetime:
    @pytest.mark.requirement("RFC 9700 4.14.2", "ASVS 7.3.1")
    def test_an_idle_session_ends_after_fourteen_days(self, login, refresh, clock):
        token = login().json()["refresh"]

        clock.shift(timedelta(days=14))

        assert_problem(refresh(token), 401, "token_not_valid", "session_ended")

    def test_a_refresh_extends_the_session(self, login, refresh, clock):
        token = login().json()["refresh"]
        for _ in range(3):
            clock.shift(timedelta(days=13))
            answer = refresh(token)
            assert answer.status_code == 200
            token = answer.json()["refresh"]

    @pytest.mark.requirement("ASVS 7.3.2", "ASVS 10.4.8")
    def test_a_session_ends_after_ninety_days_at_most(self, login, refresh, clock):
        answer = login()
        for _ in range(8):
            clock.shift(timedelta(days=11))
            answer = refresh(answer.json()["refresh"])
        assert answer.status_code == 200
        claims = payload(answer.json()["refresh"])
        assert claims["exp"] - claims["iat"] == timedelta(days=2).total_seconds()

        clock.shift(timedelta(days=2))

        assert_problem(
            refresh(answer.json()["refresh"]), 401, "token_not_valid", "session_ended"
        )

    @pytest.mark.requirement("ASVS 7.3.2")
    def test_an_access_token_does_not_outlive_the_session(self, login, refresh, clock):
        answer = login()
        for _ in range(6):
            clock.shift(timedelta(days=13))
            answer = refresh(answer.json()["refresh"])
        clock.shift(timedelta(days=12) - timedelta(seconds=60))
        claims = payload(refresh(answer.json()["refresh"]).json()["access"])

        assert claims["exp"] - claims["iat"] == 60


class TestWhoMayNot:
    def test_a_deleted_user_is_rejected(self, login, refresh, user):
        token = login().json()["refresh"]
        user.delete()

        assert_problem(refresh(token), 401, "token_not_valid", "session_ended")

    def test_a_disabled_user_is_rejected(self, login, refresh, user):
        token = login().json()["refresh"]
        user.is_active = False
        user.save()

        assert_problem(refresh(token), 401, "token_not_valid", "session_ended")

    @pytest.mark.requirement("RFC 9700 4.14.2", "ASVS 7.4.3")
    def test_a_user_with_a_new_password_is_rejected(self, login, refresh, user):
        token = login().json()["refresh"]
        user.set_password("another one entirely")
        user.save()

        assert_problem(refresh(token), 401, "token_not_valid", "session_ended")

    def test_an_access_token_is_rejected(self, login, refresh):
        assert_problem(refresh(login().json()["access"]), 401, "token_not_valid")
