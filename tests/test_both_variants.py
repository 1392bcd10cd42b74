"""The promises that both JWT implementations share: the main one and the manual one."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from authapi.models import Session, User
from tests.conftest import PASSWORD, assert_problem
from tests.payload import payload


@pytest.fixture
def log_in(api, user, variant):
    def log_in(username="ada", password=PASSWORD):
        return api.post(variant.login, {"username": username, "password": password})

    return log_in


@pytest.fixture
def profile(api, variant):
    return lambda answer: api.get(variant.profile, answer.json()[variant.token])


class TestLogin:
    def test_returns_a_token_that_reads_the_profile(self, log_in, profile):
        answer = log_in()

        assert answer.status_code == 200
        assert answer["Cache-Control"] == "no-store"
        assert profile(answer).json()["username"] == "ada"
        assert profile(answer).json()["email"] == "ada@example.com"

    def test_all_bad_credentials_get_the_same_answer(self, log_in, user):
        wrong, unknown = log_in(password="wrong"), log_in(username="nobody")
        user.is_active = False
        user.save()

        assert_problem(wrong, 401, "no_active_account")
        assert wrong.content == unknown.content == log_in().content

    @pytest.mark.parametrize(
        "body", [[], 7, "x", None, {}, {"username": "ada"}], ids=repr
    )
    def test_rejects_a_malformed_body(self, api, db, variant, body):
        assert_problem(api.post(variant.login, body), 400, "invalid")


@pytest.mark.requirement("ASVS 7.2.1")
class TestToken:
    def test_contains_user_session_and_times_but_no_secret(self, log_in, user, variant):
        claims = payload(log_in().json()[variant.token])

        assert claims["user_id"] == claims["sub"] == str(user.pk)
        assert claims["sid"] == str(Session.objects.get().pk)
        assert claims["token_type"] == variant.kind
        assert claims["exp"] - claims["iat"] in {300, 3600}
        assert not {"password", "hash_password"} & claims.keys()

    @pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
    def test_has_the_same_lifetime_in_every_time_zone(
        self, log_in, profile, monkeypatch, zone
    ):
        """``utcnow().timestamp()`` would be wrong by the offset of the time zone."""
        import time

        monkeypatch.setenv("TZ", zone)
        time.tzset()
        answer = log_in()
        status = profile(answer).status_code
        monkeypatch.undo()
        time.tzset()

        assert status == 200

    @pytest.mark.parametrize(
        ("part", "replaced"), [(0, "W10"), (2, "A" * 86)], ids=["header", "signature"]
    )
    def test_is_rejected_with_a_part_replaced(
        self, api, log_in, variant, part, replaced
    ):
        parts = log_in().json()[variant.token].split(".")
        parts[part] = replaced

        answer = api.get(variant.profile, ".".join(parts))

        assert_problem(answer, 401, "token_not_valid")

    def test_expires(self, log_in, profile):
        answer = log_in()

        with time_machine.travel(timezone.now() + timedelta(hours=1, seconds=6)):
            assert profile(answer).json()["reason"] in {"expired", "session_ended"}

    @pytest.mark.requirement("ASVS 9.2.2")
    def test_is_rejected_by_the_other_variant(self, api, log_in, variant):
        token = log_in().json()[variant.token]
        other = {"main": "/api/manual/profile/", "manual": "/api/profile/"}[
            variant.name
        ]

        assert_problem(api.get(other, token), 401, "token_not_valid")


class TestSession:
    def test_is_listed_and_ending_it_ends_the_token(self, api, log_in, profile, login):
        answer = log_in()
        mine = login().json()["access"]
        listed = api.get("/api/sessions/", mine).json()["results"]
        (sid,) = [session["id"] for session in listed if not session["current"]]

        api("DELETE", f"/api/sessions/{sid}/", token=mine)

        assert_problem(profile(answer), 401, "token_not_valid", "session_ended")

    @pytest.mark.parametrize(
        "change",
        [
            lambda user: user.delete(),
            lambda user: User.objects.filter(pk=user.pk).update(is_active=False),
            lambda user: User.objects.filter(pk=user.pk).update(password="new"),
        ],
        ids=["deleted", "disabled", "new-password"],
    )
    def test_ends_when_the_user_changes(self, log_in, profile, user, change):
        answer = log_in()

        change(user)

        assert_problem(profile(answer), 401, "token_not_valid", "session_ended")

    def test_costs_one_query(self, log_in, profile, django_assert_num_queries):
        answer = log_in()

        with django_assert_num_queries(1):
            profile(answer)
