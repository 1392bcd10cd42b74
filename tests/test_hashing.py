"""Password hashing, and the queue for simultaneous logins."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from argon2 import PasswordHasher
from django.contrib.auth.hashers import make_password
from django.db import connections

from authapi import passwords
from authapi.models import User
from project.settings import PASSWORD_HASHERS
from tests.conftest import PASSWORD, assert_problem

OURS = "argon2$argon2id$v=19$m=19456,t=2,p=1$"


@pytest.mark.requirement("ASVS 11.4.2")
class TestStored:
    def test_is_argon2id_with_the_owasp_minimum(self, user, settings):
        settings.PASSWORD_HASHERS = PASSWORD_HASHERS
        user.set_password(PASSWORD)

        assert user.password.startswith(OURS)

    @pytest.mark.parametrize("hasher", PASSWORD_HASHERS[1:])
    def test_an_older_hash_is_upgraded_at_login(self, login, user, hasher, settings):
        settings.PASSWORD_HASHERS = [hasher]
        User.objects.filter(pk=user.pk).update(password=make_password(PASSWORD))
        settings.PASSWORD_HASHERS = PASSWORD_HASHERS

        assert login().status_code == 200

        user.refresh_from_db()
        assert user.password.startswith(OURS)

    def test_a_weaker_argon2_hash_is_upgraded_at_login(self, login, user, settings):
        settings.PASSWORD_HASHERS = PASSWORD_HASHERS
        weak = PasswordHasher(memory_cost=8 * 1024, time_cost=2, parallelism=1)
        User.objects.filter(pk=user.pk).update(password="argon2" + weak.hash(PASSWORD))

        assert login().status_code == 200

        user.refresh_from_db()
        assert user.password.startswith(OURS)


class TestManyAtOnce:
    """Another request is hashing a password, so this one must wait."""

    @pytest.mark.parametrize("path", ["token", "manual/login"])
    def test_a_login_that_waits_too_long_gets_retry_after(
        self, api, user, path, settings
    ):
        settings.PASSWORD_WAIT = 0.01
        with passwords.turn():
            answer = api.post(
                f"/api/{path}/", {"username": "ada", "password": PASSWORD}
            )

        assert_problem(answer, 503, "unavailable")
        assert answer["Retry-After"] == "1"

    def test_a_full_queue_rejects_at_once(self, login, user, settings):
        settings.PASSWORD_LINE = 0
        with passwords.turn():
            answer = login()

        assert_problem(answer, 503, "unavailable")

    def test_waiting_logins_are_served_in_order(self):
        served, started = [], []

        def wait_in_line(number):
            with passwords.turn():
                served.append(number)

        with passwords.turn(), ThreadPoolExecutor(8) as pool:
            for number in range(8):
                started.append(pool.submit(wait_in_line, number))
                while len(passwords._line.waiting) <= number:
                    pass
            # The first turn ends here; then the pool waits for the others.
            passwords._line.leave()
            for waiting in started:
                waiting.result()
            passwords._line.enter()

        assert served == [*range(8)]

    def test_who_waits_lets_go_of_the_database(self, transactional_db, monkeypatch):
        closed: list[Any] = []
        wrapper = type(connections["default"])
        really_close = wrapper.close

        def close(connection):
            closed.append(connection)
            really_close(connection)

        monkeypatch.setattr(wrapper, "close", close)

        def wait_in_line():
            connections["default"].ensure_connection()
            with passwords.turn():
                return connections["default"]

        with passwords.turn(), ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(wait_in_line)
            while not passwords._line.waiting and not waiting.done():
                pass
            passwords._line.leave()
            held = waiting.result()
            passwords._line.enter()

        assert closed == [held]

    def test_admin_logins_share_the_queue(self, client, user, settings):
        settings.PASSWORD_LINE = 0
        with passwords.turn():
            answer = client.post(
                "/admin/login/", {"username": "ada", "password": PASSWORD}
            )

        assert "Try again in a moment" in answer.content.decode()
