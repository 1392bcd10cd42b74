"""``POST /api/token/``"""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from authapi.models import Session, User
from tests.conftest import PASSWORD, assert_problem
from tests.payload import payload


class TestLogin:
    @pytest.mark.requirement("ASVS 14.3.2")
    def test_returns_an_uncacheable_pair(self, login):
        answer = login()

        assert answer.status_code == 200
        assert answer.json().keys() == {"access", "refresh"}
        assert answer["Cache-Control"] == "no-store"
        assert answer["Content-Type"] == "application/json"

    @pytest.mark.requirement("RFC 6750 5.3")
    def test_the_access_token_lasts_five_minutes(self, login):
        claims = payload(login().json()["access"])

        assert claims["exp"] - claims["iat"] == 300

    def test_the_refresh_token_lasts_fourteen_days(self, login):
        claims = payload(login().json()["refresh"])

        assert claims["exp"] - claims["iat"] == 14 * 86400

    @pytest.mark.requirement(
        "RFC 7519 4.1.1",
        "RFC 7519 4.1.7",
        "RFC 8725 3.9",
        "RFC 9700 2.3",
        "ASVS 9.2.4",
        "RFC 6750 5.2",
    )
    def test_both_tokens_name_issuer_audience_user_and_session(self, login, user):
        pair = login().json()
        access, refresh = payload(pair["access"]), payload(pair["refresh"])

        assert access["iss"] == access["aud"] == "http://127.0.0.1:8000"
        assert access["sub"] == access["user_id"] == str(user.pk)
        assert access["sid"] == refresh["sid"]
        assert access["jti"] != refresh["jti"]
        assert (access["token_type"], refresh["token_type"]) == ("access", "refresh")

    @pytest.mark.requirement("ASVS 6.3.8")
    @pytest.mark.requirement("ASVS 6.3.8")
    def test_all_rejected_logins_get_the_same_answer_for_the_same_work(
        self, login, user
    ):
        disabled = User.objects.create_user("bob", None, PASSWORD, is_active=False)
        answers, queries = [], set()

        with time_machine.travel(timezone.now(), tick=False) as clock:
            login()  # From now on this address is known to the user.
            for name, password in (
                (user.username, "wrong"),
                ("nobody", PASSWORD),
                (disabled.username, PASSWORD),
            ):
                clock.shift(2)
                with CaptureQueriesContext(connection) as asked:
                    answers.append(login(username=name, password=password))
                queries.add(len(asked))

        assert_problem(answers[0], 401, "no_active_account")
        assert len({answer.content for answer in answers}) == 1
        assert len(queries) == 1

    @pytest.mark.requirement("ASVS 7.2.2", "ASVS 7.2.4")
    def test_each_login_starts_a_session_of_its_own(self, login):
        first, second = (payload(login().json()["refresh"]) for _ in range(2))

        assert first["sid"] != second["sid"]
        assert first["jti"] != second["jti"]

    def test_updates_last_login(self, login, user):
        login()

        user.refresh_from_db()
        assert user.last_login is not None

    @pytest.mark.requirement("ASVS 6.2.8")
    def test_the_password_is_not_trimmed(self, login, user):
        user.set_password("  spaces around ")
        user.save()

        assert login(password="  spaces around ").status_code == 200
        assert_problem(login(password="spaces around"), 401, "no_active_account")

    @pytest.mark.requirement("ASVS 6.2.8", "ASVS 6.2.9")
    def test_a_long_password_is_compared_to_its_end(self, login, user):
        user.set_password("x" * 4096)
        user.save()

        assert login(password="x" * 4096).status_code == 200
        assert_problem(login(password="x" * 4095), 401, "no_active_account")

    @pytest.mark.requirement("ASVS 6.2.10")
    def test_a_password_does_not_expire(self, login):
        with time_machine.travel(timezone.now() + timedelta(days=3650)):
            assert login().status_code == 200

    def test_the_name_is_normalized(self, login, user):
        user.username = "rené"
        user.save()

        assert login(username="rene\u0301").status_code == 200

    @pytest.mark.parametrize("name", [" ada ", "ada\t"], ids=repr)
    def test_the_name_is_trimmed(self, login, name):
        assert login(username=name).status_code == 200

    def test_a_name_of_spaces_is_rejected(self, login):
        assert_problem(login(username=" "), 401, "no_active_account")

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"username": "", "password": PASSWORD},
            {"username": "ada"},
            {"username": "ada", "password": ""},
            {"username": "ada", "password": 12345678},
            {"username": "ada", "password": ["x"]},
            {"username": "ada", "password": None},
            {"username": True, "password": PASSWORD},
            {"username": "a\0da", "password": PASSWORD},
            {"username": "a" * 151, "password": PASSWORD},
            {"username": "ada", "password": "x" * 4097},
        ],
        ids=repr,
    )
    def test_invalid_fields_are_named(self, api, db, body):
        answer = api.post("/api/token/", body)

        assert_problem(answer, 400, "invalid")
        assert answer.json()["errors"].keys() <= {"username", "password"}


class TestPasswordHash:
    def test_an_upgrade_at_login_keeps_other_sessions(self, api, login, user, settings):
        first = login()
        settings.PASSWORD_HASHERS = [
            "tests.test_login.FewRounds",
            *settings.PASSWORD_HASHERS,
        ]

        assert login().status_code == 200

        user.refresh_from_db()
        assert user.password.startswith("pbkdf2_sha256$2$")
        assert api.profile(first).status_code == 200


class FewRounds(PBKDF2PasswordHasher):
    iterations = 2


class TestMeanwhile:
    """The user changes while the password is checked."""

    def test_a_disabled_user_gets_no_session(self, api, login, user, settings):
        settings.AUTHENTICATION_BACKENDS = ["tests.test_login.DisablesMeanwhile"]
        assert_problem(login(), 401, "no_active_account")

        User.objects.filter(pk=user.pk).update(is_active=True)

        assert not Session.objects.filter(ended_at=None).exists()

    def test_a_user_disabled_and_enabled_again_gets_no_session(
        self, login, user, settings
    ):
        settings.AUTHENTICATION_BACKENDS = ["tests.test_login.TogglesMeanwhile"]

        assert_problem(login(), 401, "no_active_account")

    @pytest.mark.django_db(transaction=True)
    def test_a_deleted_user_gets_no_session(self, login, settings):
        settings.AUTHENTICATION_BACKENDS = ["tests.test_login.DeletesMeanwhile"]

        assert_problem(login(), 401, "no_active_account")


class DisablesMeanwhile(ModelBackend):
    def authenticate(self, request, username=None, password=None, **kwargs):
        user = super().authenticate(request, username, password)
        assert user
        User.objects.filter(pk=user.pk).update(is_active=False)
        return user


class TogglesMeanwhile(ModelBackend):
    def authenticate(self, request, username=None, password=None, **kwargs):
        user = super().authenticate(request, username, password)
        assert user
        for is_active in (False, True):
            User.objects.filter(pk=user.pk).update(is_active=is_active)
        return user


class DeletesMeanwhile(ModelBackend):
    def authenticate(self, request, username=None, password=None, **kwargs):
        user = super().authenticate(request, username, password)
        assert user
        User.objects.filter(pk=user.pk).delete()
        return user
