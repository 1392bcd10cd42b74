"""How passwords are kept, and what happens when many come at once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from argon2 import PasswordHasher
from django.contrib.auth.hashers import make_password

from authapi import passwords
from authapi.errors import Unavailable
from authapi.models import User
from project.settings import PASSWORD_HASHERS
from tests.conftest import PASSWORD, assert_problem

OURS = "argon2$argon2id$v=19$m=19456,t=2,p=1$"


class TestStored:
    def test_is_argon2id_with_owasps_minimum(self, user, settings):
        settings.PASSWORD_HASHERS = PASSWORD_HASHERS
        user.set_password(PASSWORD)

        assert user.password.startswith(OURS)

    @pytest.mark.parametrize("hasher", PASSWORD_HASHERS[1:])
    def test_an_older_hash_is_made_anew_at_login(self, login, user, hasher, settings):
        settings.PASSWORD_HASHERS = [hasher]
        User.objects.filter(pk=user.pk).update(password=make_password(PASSWORD))
        settings.PASSWORD_HASHERS = PASSWORD_HASHERS

        assert login().status_code == 200

        user.refresh_from_db()
        assert user.password.startswith(OURS)

    def test_a_weaker_argon2_is_made_anew_at_login(self, login, user, settings):
        settings.PASSWORD_HASHERS = PASSWORD_HASHERS
        weak = PasswordHasher(memory_cost=8 * 1024, time_cost=2, parallelism=1)
        User.objects.filter(pk=user.pk).update(password="argon2" + weak.hash(PASSWORD))

        assert login().status_code == 200

        user.refresh_from_db()
        assert user.password.startswith(OURS)


class TestManyAtOnce:
    """One password is being hashed by another request: no core is left for this one."""

    @pytest.mark.parametrize("path", ["token", "manual/login"])
    def test_a_login_that_waits_too_long_is_told_when_to_come_again(
        self, api, user, path
    ):
        with passwords.turn():
            answer = api.post(
                f"/api/{path}/", {"username": "ada", "password": PASSWORD}
            )

        assert_problem(answer, 503, "unavailable")
        assert answer["Retry-After"] == "1"

    def test_a_line_that_is_too_long_turns_away_at_once(self, login, user):
        done = Event()

        def wait_in_line():
            try:
                with passwords.turn():
                    done.wait(10)
            except Unavailable:
                return "waited"

        with ThreadPoolExecutor(9) as pool:
            line = [pool.submit(wait_in_line) for _ in range(9)]
            answer = login()
            done.set()

        assert_problem(answer, 503, "unavailable")
        assert [place.result() for place in line].count("waited") <= 8

    def test_the_admins_door_has_the_same_line(self, client, user):
        with passwords.turn():
            answer = client.post(
                "/admin/login/", {"username": "ada", "password": PASSWORD}
            )

        assert "Try again in a moment" in answer.content.decode()
