"""``/api/sessions/``: where an account is signed in."""

import uuid
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from authapi.models import User
from tests.conftest import PASSWORD, assert_problem
from tests.payload import payload

PHONE = "Phone/1.0"


@pytest.fixture
def phone(api, user):
    """A session of the same user from another device."""
    return api.client.post(
        "/api/token/",
        {"username": "ada", "password": PASSWORD},
        content_type="application/json",
        headers={"User-Agent": PHONE},
        REMOTE_ADDR="192.0.2.7",
    )


@pytest.fixture
def stranger(api, db):
    User.objects.create_user("eve", password=PASSWORD)
    return api.post("/api/token/", {"username": "eve", "password": PASSWORD})


def listed(api, pair):
    return api.get("/api/sessions/", pair.json()["access"])


def end(api, pair, sid):
    return api("DELETE", f"/api/sessions/{sid}/", token=pair.json()["access"])


class TestList:
    @pytest.mark.requirement("ASVS 7.5.2")
    def test_lists_my_live_sessions_with_their_devices(
        self, api, phone, stranger, login, logout
    ):
        mine = login()
        logout(login().json()["refresh"])

        answer = listed(api, mine)

        assert answer.status_code == 200
        assert answer["Cache-Control"] == "no-store"
        here, there = answer.json()["results"]
        assert here["current"]
        assert here["id"] == payload(mine.json()["access"])["sid"]
        assert not there["current"]
        assert (there["user_agent"], there["address"]) == (PHONE, "192.0.2.7")

    def test_expired_sessions_are_not_listed(self, api, phone):
        with time_machine.travel(timezone.now() + timedelta(days=14, seconds=1)):
            mine = api.post("/api/token/", {"username": "ada", "password": PASSWORD})
            answer = listed(api, mine)

        (only,) = answer.json()["results"]
        assert only["current"]

    def test_is_paginated(self, api, login):
        for _ in range(20):
            login()
        mine = login()

        first = listed(api, mine).json()
        second = api.get(
            first["next"].removeprefix("http://testserver"), mine.json()["access"]
        ).json()

        assert first["count"] == 21
        assert len(first["results"]) == 20
        assert len(second["results"]) == 1
        assert second["next"] is None

    @pytest.mark.parametrize(
        "query",
        [
            *("page=2", "page=0", "page=-1", "page=last", "page=", "page=1.0"),
            *("page=%201", "page=1_0", "page=%EF%BC%91", "page=x&page=1"),
            f"page={'9' * 5000}",
        ],
        ids=lambda query: query[:15],
    )
    def test_unknown_pages_are_not_found(self, api, login, query):
        answer = api.get(f"/api/sessions/?{query}", login().json()["access"])

        assert_problem(answer, 404, "not_found")

    @pytest.mark.parametrize(
        ("forwarded", "address"),
        [
            ("203.0.113.9", "203.0.113.9"),
            ("1.1.1.1, 203.0.113.9", "203.0.113.9"),
            ("203.0.113.9, 10.0.0.2", "203.0.113.9"),
            ("nonsense", "127.0.0.1"),
            ("fe80::1%eth0", "fe80::1"),
            ("203.0.113.9, ::ffff:10.0.0.2", "203.0.113.9"),
            ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ],
        ids=repr,
    )
    def test_forwarded_addresses_of_trusted_proxies_are_used(
        self, api, user, settings, forwarded, address
    ):
        settings.TRUSTED_PROXIES = ["127.0.0.1", "10.0.0.0/8"]
        pair = api.client.post(
            "/api/token/",
            {"username": "ada", "password": PASSWORD},
            content_type="application/json",
            headers={"X-Forwarded-For": forwarded},
        )

        assert listed(api, pair).json()["results"][0]["address"] == address

    def test_forwarded_addresses_are_ignored_by_default(self, api, user):
        pair = api.client.post(
            "/api/token/",
            {"username": "ada", "password": PASSWORD},
            content_type="application/json",
            headers={"X-Forwarded-For": "203.0.113.9"},
        )

        assert listed(api, pair).json()["results"][0]["address"] == "127.0.0.1"

    def test_a_missing_address_is_allowed(self, api, user):
        pair = api.client.post(
            "/api/token/",
            {"username": "ada", "password": PASSWORD},
            content_type="application/json",
            REMOTE_ADDR="",
        )

        assert listed(api, pair).json()["results"][0]["address"] is None


@pytest.mark.requirement("ASVS 7.5.2")
class TestEnd:
    def test_ending_a_session_rejects_its_tokens(self, api, login, phone):
        mine = login()

        assert end(api, mine, payload(phone.json()["access"])["sid"]).status_code == 204

        assert_problem(api.profile(phone), 401, "token_not_valid", "session_ended")
        assert api.profile(mine).status_code == 200

    def test_ending_a_session_twice_succeeds(self, api, login, phone):
        mine, sid = login(), payload(phone.json()["access"])["sid"]

        assert [end(api, mine, sid).status_code for _ in range(2)] == [204, 204]

    def test_the_current_session_can_be_ended(self, api, login):
        mine = login()

        end(api, mine, payload(mine.json()["access"])["sid"])

        assert_problem(api.profile(mine), 401, "token_not_valid", "session_ended")

    def test_another_users_session_cannot_be_ended(self, api, login, stranger):
        sid = payload(stranger.json()["access"])["sid"]

        assert_problem(end(api, login(), sid), 404, "not_found")
        assert api.profile(stranger).status_code == 200

    def test_an_unknown_session_is_not_found(self, api, login):
        assert_problem(end(api, login(), uuid.uuid4()), 404, "not_found")
        assert_problem(end(api, login(), "nonsense"), 404, "not_found")

    @pytest.mark.requirement("ASVS 7.4.3")
    def test_all_other_sessions_can_be_ended(self, api, login, phone, stranger):
        mine = login()

        answer = api("DELETE", "/api/sessions/", token=mine.json()["access"])

        assert answer.status_code == 204
        assert_problem(api.profile(phone), 401, "token_not_valid", "session_ended")
        assert api.profile(mine).status_code == 200
        assert api.profile(stranger).status_code == 200
