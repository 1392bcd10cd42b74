"""Tokens of ended sessions, and of other users' sessions, give no access."""

import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.conftest import assert_problem
from tests.payload import payload
from tests.server import PASSWORD, USER, Service
from tests.variants import REFRESH, VARIANTS

MAIN, MANUAL = VARIANTS.values()

# What is done to a user between a login and the use of its tokens, as manage.py would.
FATES = {
    "disabled": "user.is_active = False; user.save()",
    "disabled-in-bulk": "User.objects.filter(pk=user.pk).update(is_active=False)",
    "disabled-in-sql": (
        "connection.cursor().execute('UPDATE authapi_user SET is_active = false"
        " WHERE id = %s', [user.pk])"
    ),
    "re-enabled": "user.is_active = False; user.save(); user.is_active = True; user.save()",
    "re-enabled-in-bulk": "User.objects.filter(pk=user.pk).update(is_active=False);"
    " User.objects.filter(pk=user.pk).update(is_active=True)",
    "re-enabled-by-bulk-update": "user.is_active = False;"
    " User.objects.bulk_update([user], ['is_active']); user.is_active = True;"
    " User.objects.bulk_update([user], ['is_active'])",
    "re-enabled-in-sql": (
        "[connection.cursor().execute('UPDATE authapi_user SET is_active = %s"
        " WHERE id = %s', [active, user.pk]) for active in (False, True)]"
    ),
    "deleted": "user.delete()",
    "re-created": "user.delete(); User.objects.create_user(name, None, PASSWORD)",
    "new-password": "user.set_password('let-me-in-anew'); user.save()",
    "same-password": "user.set_password(PASSWORD); user.save()",
    "no-password": "user.set_unusable_password(); user.save()",
}


@pytest.fixture(scope="module")
def tokens(any_service: Service) -> dict[str, dict[str, str]]:
    """For each fate, the tokens of a user that it has happened to."""
    names = {fate: uuid.uuid4().hex for fate in FATES}
    create_users(any_service, names.values())
    tokens = {
        fate: {**any_service.login(name), "manual": any_service.log_in(MANUAL, name)}
        for fate, name in names.items()
    }
    any_service.python(
        "from authapi.models import User; from django.db import connection\n"
        f"PASSWORD = {PASSWORD!r}\n"
        + "\n".join(
            f"name = {names[fate]!r}; user = User.objects.get(username=name); {code}"
            for fate, code in FATES.items()
        )
    )
    return tokens


@pytest.fixture(scope="module")
def mallory(any_service: Service) -> dict[str, str]:
    """The pair of another user."""
    name = uuid.uuid4().hex
    create_users(any_service, [name])
    return any_service.login(name)


def create_users(service: Service, names: Iterable[str]) -> None:
    service.python(
        "from authapi.models import User\n"
        f"for name in {[*names]}:\n"
        f"    User.objects.create_user(name, None, {PASSWORD!r})"
    )


@pytest.fixture
def call(any_service: Service) -> Callable[..., Any]:
    def call(method: str, path: str, token: str) -> Any:
        return any_service.client.request(
            method, f"/api/{path}", headers={"Authorization": f"Bearer {token}"}
        )

    return call


@pytest.fixture
def give(any_service: Service) -> Callable[..., Any]:
    """Present a token in a body: ``give("refresh", token)``."""

    def give(name: str, token: str) -> Any:
        member = "token" if name == "verify" else "refresh"
        return any_service.post(f"/api/token/{name}/", {member: token})

    return give


@pytest.mark.requirement("ASVS 7.4.2", "ASVS 10.3.3")
@pytest.mark.parametrize("fate", FATES)
class TestUsers:
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "profile/"),
            ("PATCH", "profile/"),
            ("GET", "sessions/"),
            ("DELETE", "sessions/"),
        ],
    )
    def test_the_access_token_is_rejected(self, call, tokens, fate, method, path):
        assert_problem(
            call(method, path, tokens[fate]["access"]),
            401,
            "token_not_valid",
            "session_ended",
        )

    def test_the_manual_token_is_rejected(self, call, tokens, fate):
        answer = call("GET", "manual/profile/", tokens[fate]["manual"])

        assert_problem(answer, 401, "token_not_valid", "session_ended")

    def test_the_refresh_token_is_rejected(self, give, tokens, fate):
        assert_problem(
            give("refresh", tokens[fate]["refresh"]),
            401,
            "token_not_valid",
            "session_ended",
        )

    @pytest.mark.parametrize("kind", ["access", "refresh"])
    def test_verify_reports_the_ended_session(self, give, tokens, fate, kind):
        assert_problem(
            give("verify", tokens[fate][kind]), 401, "token_not_valid", "session_ended"
        )

    def test_a_logout_still_succeeds(self, give, tokens, fate):
        assert give("blacklist", tokens[fate]["refresh"]).status_code == 204


@pytest.mark.requirement("RFC 9700 4.14.2", "ASVS 10.4.5")
class TestRefresh:
    def test_a_replay_ends_the_session_for_every_token(self, any_service, give, call):
        oldest = any_service.login()["refresh"]
        pairs = [give("refresh", oldest).json()]
        pairs += [give("refresh", pairs[0]["refresh"]).json()]

        assert_problem(give("refresh", oldest), 401, "token_not_valid", "reused")
        for pair in pairs:
            assert_problem(
                call("GET", "profile/", pair["access"]),
                401,
                "token_not_valid",
                "session_ended",
            )
            assert_problem(
                give("refresh", pair["refresh"]),
                401,
                "token_not_valid",
                "session_ended",
            )

    def test_repeated_refreshes_return_one_successor(self, any_service, give):
        token = any_service.login()["refresh"]
        answers = [give("refresh", token).json()["refresh"] for _ in range(5)]

        assert len({payload(answer)["jti"] for answer in answers}) == 1

    def test_a_predecessor_is_rejected_after_logout(self, any_service, give, call):
        """It could be repeated, but the session has ended for both tokens."""
        first = any_service.login()["refresh"]
        second = give("refresh", first).json()
        give("blacklist", second["refresh"])

        assert_problem(give("refresh", first), 401, "token_not_valid", "session_ended")

    def test_verify_spends_nothing(self, any_service, give):
        token = any_service.login()["refresh"]

        assert [give("verify", token).status_code for _ in range(3)] == [200] * 3
        assert give("refresh", token).status_code == 200

    def test_a_forged_jti_ends_the_session(self, any_service, give):
        """An attacker who can sign could do worse, but even so the family does not fork."""
        pair = any_service.login()
        forged = REFRESH.sign(payload(pair["refresh"]), jti=uuid.uuid4().hex)

        assert_problem(give("refresh", forged), 401, "token_not_valid", "reused")
        assert_problem(
            give("refresh", pair["refresh"]), 401, "token_not_valid", "session_ended"
        )


@pytest.mark.requirement("ASVS 7.4.1")
class TestLogout:
    @pytest.mark.parametrize("spent", [0, 1, 3])
    def test_any_refresh_token_of_the_session_ends_it(
        self, any_service, give, call, spent
    ):
        pair = any_service.login()
        token = pair["refresh"]
        for _ in range(spent):
            pair = give("refresh", pair["refresh"]).json()

        assert give("blacklist", token).status_code == 204
        assert_problem(
            call("GET", "profile/", pair["access"]),
            401,
            "token_not_valid",
            "session_ended",
        )
        assert_problem(
            give("refresh", pair["refresh"]), 401, "token_not_valid", "session_ended"
        )
        assert_problem(
            give("verify", pair["access"]), 401, "token_not_valid", "session_ended"
        )

    def test_repeated_logouts_succeed(self, any_service, give):
        token = any_service.login()["refresh"]

        assert [give("blacklist", token).status_code for _ in range(3)] == [204] * 3

    def test_other_sessions_continue(self, any_service, give, call):
        ended, other = any_service.login(), any_service.login()
        give("blacklist", ended["refresh"])

        assert call("GET", "profile/", other["access"]).status_code == 200
        assert give("refresh", other["refresh"]).status_code == 200

    def test_the_current_session_can_be_ended(self, any_service, call):
        access = any_service.login()["access"]
        sid = payload(access)["sid"]

        assert call("DELETE", f"sessions/{sid}/", access).status_code == 204
        assert_problem(
            call("DELETE", f"sessions/{sid}/", access),
            401,
            "token_not_valid",
            "session_ended",
        )

    @pytest.mark.parametrize("name", ["access", "manual"])
    def test_a_listed_session_can_be_ended(self, any_service, call, name):
        mine = any_service.login()["access"]
        other = (
            any_service.login()["access"]
            if name == "access"
            else any_service.log_in(MANUAL)
        )

        answer = call("DELETE", f"sessions/{payload(other)['sid']}/", mine)

        assert answer.status_code == 204
        path = "profile/" if name == "access" else "manual/profile/"
        assert_problem(
            call("GET", path, other), 401, "token_not_valid", "session_ended"
        )


class TestOtherUsers:
    """Mallory has an account and knows the ids of other users' sessions."""

    @pytest.fixture
    def victim(self, any_service):
        return any_service.login()

    def test_cannot_end_their_session(self, call, mallory, victim):
        sid = payload(victim["access"])["sid"]

        answer = call("DELETE", f"sessions/{sid}/", mallory["access"])

        assert_problem(answer, 404, "not_found")
        assert call("GET", "profile/", victim["access"]).status_code == 200

    def test_their_session_looks_like_an_unknown_one(self, call, mallory, victim):
        theirs = call(
            "DELETE", f"sessions/{payload(victim['access'])['sid']}/", mallory["access"]
        )
        nobodys = call("DELETE", f"sessions/{uuid.uuid4()}/", mallory["access"])

        assert theirs.content == nobodys.content

    def test_cannot_list_their_sessions(self, call, mallory, victim):
        listed = call("GET", "sessions/", mallory["access"]).json()["results"]

        assert payload(victim["access"])["sid"] not in {found["id"] for found in listed}
        assert len(listed) == 1

    def test_ending_other_sessions_does_not_end_theirs(self, call, mallory, victim):
        assert call("DELETE", "sessions/", mallory["access"]).status_code == 204
        assert call("GET", "profile/", victim["access"]).status_code == 200

    @pytest.mark.requirement("ASVS 10.3.2")
    @pytest.mark.parametrize("kind", ["access", "refresh"])
    def test_a_token_with_their_session_is_rejected(
        self, call, give, mallory, victim, kind
    ):
        """User and session must match, even if the key was stolen (session fixation)."""
        sid = payload(victim["access"])["sid"]
        forged = REFRESH.sign(payload(mallory[kind]), sid=sid)

        if kind == "access":
            assert_problem(call("GET", "profile/", forged), 401, "token_not_valid")
        else:
            assert_problem(give("refresh", forged), 401, "token_not_valid")
        assert give("refresh", victim["refresh"]).status_code == 200

    @pytest.mark.requirement("ASVS 14.3.2")
    def test_answers_are_not_cacheable(self, any_service, victim, call):
        login = any_service.post(
            "/api/token/", {"username": USER, "password": PASSWORD}
        )
        profile = call("GET", "profile/", victim["access"])

        assert login.headers["Cache-Control"] == "no-store"
        assert profile.headers["Cache-Control"] == "no-store"
        assert "Set-Cookie" not in login.headers


class TestOneUserOfManySessions:
    def test_ending_them_does_not_block_other_users(self, any_service):
        """Sixty requests end all other sessions while another user reads the profile."""
        name = uuid.uuid4().hex
        create_users(any_service, [name])
        any_service.python(
            "from authapi import sessions; from authapi.client import UNKNOWN\n"
            "from authapi.models import User; from django.utils import timezone\n"
            f"user = User.objects.get(username={name!r})\n"
            "for _ in range(150): sessions.start(user, client=UNKNOWN, at=timezone.now())"
        )
        mine, other = any_service.login(name)["access"], any_service.login()["access"]

        def end_others(_: int) -> int:
            return httpx.delete(
                f"{any_service.url}/api/sessions/",
                headers={"Authorization": f"Bearer {mine}"},
                timeout=60,
            ).status_code

        with ThreadPoolExecutor(60) as pool:
            ending = pool.map(end_others, range(60))
            assert any_service.profile(MAIN, other).status_code == 200
            assert {*ending} == {204}

        listed = any_service.client.get(
            "/api/sessions/", headers={"Authorization": f"Bearer {mine}"}
        )
        assert listed.json()["count"] == 1


class TestPasswordsInFlight:
    """Users brought along with an older hash, which each login replaces."""

    @pytest.fixture
    def imported(self, any_service):
        name = uuid.uuid4().hex
        any_service.python(
            "from authapi.models import User\n"
            "from django.contrib.auth.hashers import make_password\n"
            f"old = make_password({PASSWORD!r}, hasher='pbkdf2_sha256')\n"
            f"User.objects.create(username={name!r}, password=old)"
        )
        return name

    def test_first_logins_at_the_same_moment_end_no_session(
        self, any_service, imported
    ):
        with ThreadPoolExecutor(4) as pool:
            pairs = list(pool.map(any_service.login, [imported] * 4))

        for pair in pairs:
            assert any_service.profile(MAIN, pair["access"]).status_code == 200

    def test_a_login_does_not_bring_the_old_password_back(self, any_service, imported):
        """The login has read the row; then the password is changed; then the login checks."""
        any_service.python(
            "from authapi.models import User\n"
            f"in_flight = User.objects.get(username={imported!r})\n"
            f"user = User.objects.get(username={imported!r})\n"
            "user.set_password('another one entirely'); user.save()\n"
            f"assert not in_flight.check_password({PASSWORD!r})"
        )

        old, new = (
            any_service.post(
                "/api/token/", {"username": imported, "password": password}
            )
            for password in (PASSWORD, "another one entirely")
        )

        assert_problem(old, 401, "no_active_account")
        assert new.status_code == 200
