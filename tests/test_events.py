"""Each event is one line of JSON in the log, and one Django signal."""

import json
import uuid
from datetime import timedelta

import pytest
import time_machine
from django.dispatch import receiver
from django.utils import timezone

from authapi import events
from authapi.models import Session, User
from tests.conftest import PASSWORD, limit
from tests.server import USER, serve

EVENTS = (
    events.logged_in,
    events.login_failed,
    events.refreshed,
    events.repeated,
    events.token_reused,
    events.logged_out,
    events.sessions_ended,
    events.access_lost,
    events.throttled,
)


@pytest.fixture
def seen():
    """The events of this test in order, as name and facts."""
    seen = []
    receivers = []
    for event in EVENTS:

        def see(name=event.name, **facts):
            del facts["signal"], facts["sender"]
            seen.append((name, facts))

        receivers.append(see)
        event.connect(see)
    yield seen
    for event, see in zip(EVENTS, receivers, strict=True):
        event.disconnect(see)


class TestSignals:
    @pytest.mark.requirement("ASVS 16.3.1")
    def test_a_session_sends_events_from_login_to_logout(
        self, seen, login, refresh, logout, user
    ):
        newest = refresh(login().json()["refresh"]).json()["refresh"]
        logout(newest)
        logout(newest)

        named = {"user_id": str(user.pk), "session_id": str(Session.objects.get().pk)}
        assert seen == [
            ("login", {**named, "address": "127.0.0.1"}),
            ("refresh", named),
            ("logout", named),
        ]

    @pytest.mark.requirement("ASVS 16.3.3")
    def test_a_reused_token_sends_token_reused(self, seen, login, refresh):
        spent = login().json()["refresh"]
        refresh(refresh(spent).json()["refresh"])

        refresh(spent)
        refresh(spent)

        assert [name for name, _ in seen] == [
            *("login", "refresh", "refresh", "token_reused")
        ]

    def test_a_repeat_from_elsewhere_names_both_addresses(
        self, seen, api, login, refresh
    ):
        spent = login().json()["refresh"]
        refresh(spent)

        api.client.post(
            *("/api/token/refresh/", {"refresh": spent}, "application/json"),
            REMOTE_ADDR="203.0.113.9",
            headers={"User-Agent": "phone/2.0"},
        )

        name, facts = seen[-1]
        assert name == "refresh_repeated"
        assert facts["address"] == "203.0.113.9"
        assert facts["user_agent"] == "phone/2.0"
        assert facts["last_address"] == "127.0.0.1"
        assert facts["last_user_agent"] == ""

    @pytest.mark.requirement("ASVS 16.3.2")
    @pytest.mark.parametrize(
        "change", [{"is_active": False}, {"password": "another"}], ids=str
    )
    def test_a_disabled_user_sends_access_lost(self, seen, api, login, user, change):
        pair = login()
        User.objects.filter(pk=user.pk).update(**change)

        api.profile(pair)
        api.profile(pair)

        assert [name for name, _ in seen] == ["login", "access_lost"]

    @pytest.mark.requirement("ASVS 16.3.1")
    def test_a_failed_login_sends_login_failed(self, seen, login, user):
        login(password="wrong")
        login(username="nobody")

        assert seen == [
            ("login_failed", {"user_id": str(user.pk), "address": "127.0.0.1"}),
            ("login_failed", {"user_id": None, "address": "127.0.0.1"}),
        ]

    @pytest.mark.requirement("ASVS 16.3.3")
    def test_a_reached_limit_sends_throttled(self, seen, login, settings):
        limit(settings, login_pair="1/min")
        login()

        login()

        assert seen[1:] == [
            ("throttled", {"scope": "login_pair", "address": "127.0.0.1"})
        ]

    def test_ending_other_sessions_sends_sessions_ended(self, seen, api, login):
        other, third, mine = (login().json()["access"] for _ in range(3))
        listed = api.get("/api/sessions/", third).json()["results"]
        ended = next(session["id"] for session in listed if session["current"])
        api("DELETE", f"/api/sessions/{ended}/", token=mine)
        api("DELETE", "/api/sessions/", token=mine)

        assert [name for name, _ in seen[3:]] == ["logout", "sessions_ended"]
        assert seen[4][1]["count"] == 1
        assert seen[3][1]["session_id"] == ended
        assert api.get("/api/profile/", other).status_code == 401

    def test_expired_sessions_are_not_counted_as_ended(self, seen, api, login):
        login()
        with time_machine.travel(timezone.now() + timedelta(days=14, seconds=1)):
            mine = login().json()["access"]

            api("DELETE", "/api/sessions/", token=mine)

        assert [name for name, _ in seen] == ["login", "login"]

    def test_a_session_that_makes_room_sends_sessions_ended(self, seen, login, user):
        for _ in range(101):
            login()

        ended = [facts for name, facts in seen if name == "sessions_ended"]
        assert ended == [{"user_id": str(user.pk), "count": 1}]

    @pytest.mark.requirement("ASVS 16.3.1")
    def test_an_admin_login_sends_login(self, seen, client, db):
        root = User.objects.create_superuser("root", None, PASSWORD)
        for password in ("", "wrong", PASSWORD):
            client.post("/admin/login/", {"username": "root", "password": password})

        facts = {"user_id": str(root.pk), "address": "127.0.0.1"}
        assert seen == [
            ("login_failed", facts),
            ("login", {**facts, "session_id": None}),
        ]

    def test_a_failing_receiver_does_not_affect_others(self, login):
        @receiver(events.logged_in)
        def fails(**kwargs):
            raise RuntimeError

        try:
            assert login().status_code == 200
        finally:
            events.logged_in.disconnect(fails)


@pytest.fixture(scope="module")
def lines(tmp_path_factory):
    """The complete output of the server, and the secrets that it must not contain."""
    with serve(
        tmp_path_factory.mktemp("log"),
        THROTTLE_RATES="login_pair=2/min",
        TRUSTED_PROXIES="127.0.0.1",
    ) as service:
        pair = service.login()
        again = service.post(
            "/api/token/refresh/?secret-query=1",
            {"refresh": pair["refresh"]},
            headers={"X-Request-ID": "from-the-proxy-1"},
        )
        service.post(
            "/api/token/",
            {"username": "secret-name", "password": "secret-password"},
            headers={"X-Request-ID": "not an id"},
        )
        for _ in range(3):
            service.post(
                "/api/token/", {"username": USER, "password": "secret-password"}
            )
        service.post("/api/token/blacklist/", {"refresh": pair["refresh"]})
        secrets = [PASSWORD, *pair.values(), *again.json().values(), "secret-"]
        text = service.log.read_text()
    assert again.headers["X-Request-ID"] == "from-the-proxy-1"
    assert not [secret for secret in secrets if secret in text]
    return [json.loads(line) for line in text.splitlines()]


class TestLog:
    @pytest.mark.requirement("ASVS 16.2.2", "ASVS 16.2.4", "ASVS 16.4.1")
    def test_each_event_is_one_line_of_json(self, lines):
        assert [line["event"] for line in lines] == [
            *("login", "refresh", "login_failed", "login_failed"),
            *("throttled", "throttled", "logout"),
        ]
        for line in lines:
            assert line["level"] == "info"
            assert line["timestamp"].endswith("Z")

    @pytest.mark.requirement(
        "ASVS 16.2.1", "ASVS 16.2.4", "RFC 9700 4.9.3", "ASVS 16.2.5"
    )
    def test_lines_name_request_user_and_session(self, lines):
        login, refresh, unknown, wrong = lines[:4]

        assert uuid.UUID(login["session_id"]) == uuid.UUID(refresh["session_id"])
        assert login["user_id"] == refresh["user_id"] == wrong["user_id"]
        assert "user_id" not in unknown
        assert refresh["request_id"] == "from-the-proxy-1"

    @pytest.mark.requirement("ASVS 16.4.1")
    def test_an_invalid_request_id_is_replaced(self, lines):
        assert len({line["request_id"] for line in lines}) == len(lines)
        assert uuid.UUID(lines[2]["request_id"])

    @pytest.mark.requirement("ASVS 16.4.1", "RFC 9700 4.13")
    @pytest.mark.parametrize(
        ("peer", "kept"), [("10.0.0.7", True), ("203.0.113.9", False)], ids=str
    )
    def test_a_request_id_is_taken_from_trusted_proxies_only(
        self, api, settings, peer, kept
    ):
        """Otherwise a client could make its requests look like another's in the log."""
        settings.TRUSTED_PROXIES = ["10.0.0.0/8"]

        answer = api.client.get(
            "/health/live/", REMOTE_ADDR=peer, headers={"X-Request-ID": "id-of-a-proxy"}
        )

        assert (answer["X-Request-ID"] == "id-of-a-proxy") is kept

    @pytest.mark.requirement("ASVS 16.3.4", "ASVS 16.5.4")
    def test_a_server_error_is_one_line_with_its_traceback(self, tmp_path):
        with serve(tmp_path) as service:
            service.python(
                "from django.db import connection as c;"
                "c.cursor().execute('DROP TABLE authapi_session')"
            )
            answer = service.post(
                "/api/token/", {"username": USER, "password": PASSWORD}
            )
            (line,) = service.log.read_text().splitlines()

        assert answer.status_code == 500
        failure = json.loads(line)
        assert failure["request_id"] == answer.headers["X-Request-ID"]
        assert "no such table" in failure["exception"]
        assert PASSWORD not in line
