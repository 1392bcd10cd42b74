"""The rate limits, which all processes share, whichever store counts."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import pytest
import redis
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from authapi import passwords
from authapi.limits import stores
from authapi.limits.gcra import Rate
from authapi.models import Limit, Session, User
from tests.conftest import PASSWORD, assert_problem, limit
from tests.server import USER, serve
from tests.variants import VARIANTS

LIMITS = {
    "login_pair": "5/min",
    "login_stranger": "20/hour",
    "login_address": "20/min",
    "login_account": "100/hour",
    "refresh": "3/min",
    "verify": "3/min",
    "schema": "3/min",
}
DATABASE_COUNTS = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}


@pytest.fixture(autouse=True)
def limits(settings, db):
    limit(settings, **LIMITS)


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel("2026-11-24T09:00:00Z", tick=False) as clock:
        yield clock


@pytest.fixture(params=["database", "redis"])
def store(request, settings):
    """The store that counts. A test that uses this runs with both stores."""
    settings.CACHES = {"default": DATABASE_COUNTS}
    if request.param == "redis":
        url = request.getfixturevalue("redis_url")
        settings.CACHES = {"default": redis_cache(url)}
        redis.Redis.from_url(url).flushdb()


def redis_cache(url):
    return {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": url,
    }


@pytest.fixture
def attempt(api, user):
    """Return a function that tries to log in from an address."""

    def attempt(username="ada", password="wrong", address="192.0.2.1", path="token"):
        return api.client.post(
            f"/api/{path}/",
            {"username": username, "password": password},
            content_type="application/json",
            REMOTE_ADDR=address,
        )

    return attempt


def statuses(answers):
    return Counter(answer.status_code for answer in answers)


@pytest.mark.requirement("ASVS 6.3.1")
@pytest.mark.usefixtures("store")
class TestLogin:
    @pytest.mark.parametrize("path", ["token", "manual/login"])
    def test_the_sixth_try_in_a_minute_is_refused_even_with_the_right_password(
        self, attempt, path
    ):
        assert statuses(attempt(path=path) for _ in range(5)) == {401: 5}

        refused = attempt(path=path, password=PASSWORD)

        assert_problem(refused, 429, "throttled")
        assert refused["Retry-After"] == "12"

    def test_retry_after_is_exact(self, attempt, clock):
        for _ in range(5):
            attempt()
        said = int(attempt()["Retry-After"])

        clock.shift(said - 1)
        assert attempt(password=PASSWORD).status_code == 429
        clock.shift(1)

        assert attempt(password=PASSWORD).status_code == 200

    def test_a_minute_boundary_does_not_double_the_limit(self, attempt, clock):
        clock.shift(59)
        first = [attempt() for _ in range(8)]
        clock.shift(2)
        second = [attempt() for _ in range(8)]

        assert statuses(first + second) == {401: 5, 429: 11}

    def test_the_limit_is_full_again_after_an_idle_minute(self, attempt, clock):
        for _ in range(6):
            attempt()
        clock.shift(60)

        assert statuses(attempt() for _ in range(6)) == {401: 5, 429: 1}

    @pytest.mark.parametrize(
        "spelling", [" ada ", "\uff41\uff44\uff41", "a\uff44a\n"], ids=ascii
    )
    def test_spellings_of_one_name_share_a_limit(self, attempt, spelling):
        assert attempt(spelling, PASSWORD).status_code == 200
        for _ in range(4):
            attempt(spelling)

        assert attempt().status_code == 429

    @pytest.mark.requirement("ASVS 6.3.4")
    def test_both_variants_share_a_limit(self, attempt):
        for _ in range(5):
            attempt(path="manual/login")

        assert attempt().status_code == 429

    def test_an_unknown_name_is_limited_like_a_known_one(self, attempt):
        known = [attempt() for _ in range(7)]
        unknown = [attempt("nobody") for _ in range(7)]

        assert [a.content for a in known] == [a.content for a in unknown]

    def test_an_address_has_twenty_tries_across_all_accounts(self, attempt):
        answers = [attempt(f"user{i}") for i in range(25)]

        assert statuses(answers) == {401: 20, 429: 5}

    def test_a_successful_login_resets_no_limit(self, attempt):
        User.objects.create_user("mallory", None, PASSWORD)
        for _ in range(5):
            attempt()
        assert attempt("mallory", PASSWORD).status_code == 200

        assert attempt().status_code == 429

    def test_refused_tries_do_not_count(self, attempt):
        """Otherwise, a client that retries too early could never log in again."""
        for _ in range(30):
            attempt()

        assert attempt("someone else").status_code == 401

    def test_an_account_has_a_hundred_tries_an_hour_from_anywhere(self, attempt):
        answers = [attempt(address=f"198.51.100.{i}") for i in range(110)]

        assert statuses(answers) == {401: 100, 429: 10}
        assert answers[-1]["Retry-After"] == "36"

    def test_an_unknown_address_has_twenty_tries_an_hour(self, attempt, clock):
        """So no single address can use up the limit of the account."""
        answers = []
        for _ in range(60):
            answers.append(attempt())
            clock.shift(60)

        assert statuses(answers[:20]) == {401: 20}
        assert 15 <= statuses(answers[20:])[401] <= 20

    def test_the_owners_address_stays_known_after_the_session_is_gone(
        self, attempt, clock
    ):
        assert attempt(password=PASSWORD).status_code == 200
        Session.objects.all().delete()

        for _ in range(60):
            clock.shift(60)
            assert attempt().status_code == 401

    @pytest.mark.parametrize(
        ("later", "status"),
        [
            (timedelta(days=90, seconds=-1), 401),
            (timedelta(days=90, seconds=1), 429),
        ],
        ids=["before", "after"],
    )
    def test_an_address_is_known_for_ninety_days(
        self, attempt, clock, settings, later, status
    ):
        limit(settings, login_stranger="1/hour")
        attempt(password=PASSWORD)
        clock.shift(later)
        attempt()

        assert attempt().status_code == status

    @pytest.mark.parametrize(
        ("units", "seconds"),
        [
            ("s sec second", 1),
            ("m min minute", 60),
            ("h hour", 3600),
            ("d day", 86400),
        ],
    )
    def test_a_rate_names_its_period_as_in_drf(
        self, attempt, clock, settings, units, seconds
    ):
        for unit in units.split():
            limit(settings, login_pair=f"1/{unit}")
            attempt(f"of {unit}")

            assert attempt(f"of {unit}")["Retry-After"] == str(seconds)

    def test_an_unknown_address_cannot_lock_the_owner_out(self, attempt):
        assert attempt(password=PASSWORD, address="203.0.113.9").status_code == 200
        for i in range(110):
            attempt(address=f"198.51.100.{i}")

        at_home = attempt(password=PASSWORD, address="203.0.113.9")
        elsewhere = attempt(password=PASSWORD, address="203.0.113.10")

        assert (at_home.status_code, elsewhere.status_code) == (200, 429)

    def test_an_ipv6_64_counts_as_one_address(self, attempt):
        answers = [attempt(address=f"2001:db8::{i}") for i in range(6)]

        assert answers[-1].status_code == 429
        assert attempt(address="2001:db8:0:1::1").status_code == 401

    def test_a_larger_ipv6_network_has_a_limit_of_its_own(self, attempt, settings):
        limit(settings, login_network="30/min", login_address="1000/min")

        answers = [
            attempt(f"user{i}", address=f"2001:db8:0:{i:x}::1") for i in range(40)
        ]

        assert statuses(answers) == {401: 30, 429: 10}
        assert attempt("user99", address="2001:db8:1::1").status_code == 401

    def test_a_new_password_makes_every_address_unknown(self, attempt, user):
        assert attempt(password=PASSWORD, address="203.0.113.66").status_code == 200
        user.set_password("another one entirely")
        user.save()
        for i in range(110):
            attempt(address=f"198.51.100.{i}")

        assert attempt(address="203.0.113.66").status_code == 429

    def test_a_known_address_uses_up_only_its_own_hourly_limit(self, attempt, clock):
        attempt(password=PASSWORD, address="203.0.113.66")
        for _ in range(200):
            clock.shift(13)
            attempt(address="203.0.113.66")

        assert attempt(address="203.0.113.66").status_code == 429
        assert attempt(password=PASSWORD, address="198.51.100.1").status_code == 200

    def test_an_address_at_its_limit_adds_no_rows_for_invented_names(self, attempt):
        for i in range(20):
            attempt(f"user{i}")
        before = Limit.objects.count()

        for i in range(20):
            assert attempt(f"invented{i}").status_code == 429

        assert Limit.objects.count() == before

    def test_a_login_refused_as_busy_does_not_count(self, attempt, store, settings):
        settings.PASSWORD_LINE = 0
        with passwords.turn():
            answers = [attempt(password=PASSWORD) for _ in range(8)]

        assert statuses(answers) == {503: 8}
        assert attempt(password=PASSWORD).status_code == 200

    def test_an_invalid_body_does_not_count(self, attempt):
        for _ in range(30):
            assert attempt(password=5).status_code == 400

        assert attempt().status_code == 401


@pytest.mark.requirement("RFC 9700 4.13")
class TestProxies:
    @pytest.fixture
    def forwarded(self, api, user):
        def forwarded(header):
            return api.client.post(
                "/api/token/",
                {"username": "ada", "password": "wrong"},
                content_type="application/json",
                headers={"X-Forwarded-For": header},
            )

        return forwarded

    def test_a_chain_of_trusted_proxies_without_a_client_is_one_address(
        self, forwarded, settings
    ):
        settings.TRUSTED_PROXIES = ["127.0.0.1", "10.0.0.0/8"]

        answers = [forwarded("10.0.0.1, 10.0.0.2") for _ in range(6)]

        assert statuses(answers) == {401: 5, 429: 1}

    def test_an_undeclared_proxy_is_logged(self, api, db, settings, caplog):
        settings.TRUSTED_PROXIES = None
        for _ in range(2):
            api.client.get("/health/live/", headers={"X-Forwarded-Proto": "https"})

        said = [r for r in caplog.records if "forwarded_headers_ignored" in str(r.msg)]
        assert len(said) == 1

    def test_forged_addresses_do_not_bypass_limits(self, forwarded):
        answers = [forwarded(f"192.0.2.{i}") for i in range(60)]

        assert statuses(answers) == {401: 5, 429: 55}

    @pytest.mark.parametrize(
        "form", ["192.0.2.{}", "192.0.2.{}:5566", "[2001:db8:{}::1]:80"]
    )
    def test_clients_of_a_trusted_proxy_are_limited_separately(
        self, forwarded, settings, form
    ):
        settings.TRUSTED_PROXIES = ["127.0.0.1"]

        answers = [forwarded(f"spoofed, {form.format(i % 2)}") for i in range(12)]

        assert statuses(answers) == {401: 10, 429: 2}


@pytest.mark.requirement("ASVS 6.3.4")
class TestAdmin:
    def test_has_the_same_limit(self, client, attempt):
        User.objects.create_superuser("root", None, PASSWORD)
        for _ in range(5):
            attempt("root", address="127.0.0.1")

        answer = client.post(
            "/admin/login/", {"username": "root", "password": PASSWORD}
        )

        assert answer.status_code == 200
        assert "Expected available in 12 seconds" in answer.content.decode()

    def test_remembers_where_its_users_sign_in(self, client, attempt):
        User.objects.create_superuser("root", None, PASSWORD)
        client.post("/admin/login/", {"username": "root", "password": PASSWORD})
        for i in range(110):
            attempt("root", address=f"198.51.100.{i}")

        assert attempt("root", PASSWORD, "203.0.113.9").status_code == 429
        assert attempt("root", PASSWORD, "127.0.0.1").status_code == 200

    @pytest.mark.parametrize(
        "form", [{"password": PASSWORD}, {"username": "ada", "password": ""}]
    )
    def test_an_incomplete_form_is_not_counted_or_remembered(self, client, user, form):
        for _ in range(8):
            client.post("/admin/login/", form)

        assert not Limit.objects.exists()


@pytest.mark.usefixtures("store")
class TestRequests:
    def test_refresh_verify_and_schema_are_limited_by_address(self, api, login):
        pair = login().json()
        calls = {
            "refresh": lambda: api.post("/api/token/refresh/", {"refresh": "x"}),
            "verify": lambda: api.post("/api/token/verify/", {"token": pair["access"]}),
            "schema": lambda: api.get("/api/schema/"),
        }
        for name, call in calls.items():
            before = [call().status_code for _ in range(3)]
            refused = call()

            assert 429 not in before, name
            assert_problem(refused, 429, "throttled")
            assert refused["Retry-After"] == "20"


class TestStores:
    @pytest.mark.requirement("ASVS 16.5.2", "ASVS 16.5.3")
    @pytest.mark.parametrize(
        ("path", "body"),
        [
            ("token/", {"username": "ada", "password": PASSWORD}),
            ("manual/login/", {"username": "ada", "password": PASSWORD}),
        ],
    )
    def test_without_redis_the_database_counts(self, api, user, settings, path, body):
        settings.CACHES = {"default": redis_cache("redis://127.0.0.1:1/0")}

        answers = [api.post(f"/api/{path}", body) for _ in range(6)]

        assert [answer.status_code for answer in answers] == [200] * 5 + [429]
        assert Limit.objects.exists()

    def test_rows_of_full_limits_are_deleted(self, attempt, clock):
        for i in range(8):
            attempt(f"user{i}")
        assert Limit.objects.count() == 26
        clock.shift(4000)

        for i in range(8):
            attempt(f"other{i}")

        assert Limit.objects.count() <= 26

    def test_rows_are_deleted_once_a_second_even_if_the_clock_is_set_back(
        self, attempt, clock
    ):
        queries = []

        for seconds in (0, 0.9, 0.2, -5):
            clock.shift(seconds)
            with CaptureQueriesContext(connection) as asked:
                attempt()
            queries.append([one["sql"].split()[0] for one in asked].count("DELETE"))

        assert queries == [1, 0, 1, 1]

    def test_expired_addresses_are_deleted_when_redis_counts(
        self, attempt, settings, redis_url, clock
    ):
        settings.CACHES = {"default": redis_cache(redis_url)}
        redis.Redis.from_url(redis_url).flushdb()
        for i in range(4):
            assert attempt(password=PASSWORD, address=f"192.0.2.{i}").status_code == 200
        clock.shift(91 * 86400)

        for i in range(4):
            attempt(password=PASSWORD, address=f"203.0.113.{i}")

        assert Limit.objects.count() == 4

    @pytest.mark.parametrize("name", [*VARIANTS])
    def test_five_of_forty_simultaneous_tries_succeed(self, limited_service, name):
        """Two processes with many threads share one limit."""
        url, spelling = limited_service, f"{name}{USER}"

        def attempt(i):
            return httpx.post(
                url + VARIANTS[name].login,
                json={"username": spelling, "password": "wrong"},
                headers={"X-Forwarded-For": f"192.0.2.{i}"},
                timeout=30,
            )

        with ThreadPoolExecutor(40) as pool:
            answers = list(pool.map(attempt, range(40)))

        assert statuses(answers)[429] == 35


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "redis"])
def limited_service(request, tmp_path_factory):
    """The service with its normal limits, once for each supported store."""
    environment: dict[str, Any] = {"THROTTLE_RATES": "login_pair=5/min"}
    folder = tmp_path_factory.mktemp("limited")
    if request.param == "redis":
        url = request.getfixturevalue("redis_url")
        environment["CACHE_URL"] = url.replace("redis:", "rediscache:")
    database = request.param == "postgresql" and request.getfixturevalue("postgresql")
    with serve(folder, database or None, **environment) as service:
        yield service.url


def test_other_sessions_do_not_bypass_limits(attempt):
    """An address becomes known only through the account's own sessions."""
    User.objects.create_user("mallory", None, PASSWORD)
    assert attempt("mallory", PASSWORD, "203.0.113.66").status_code == 200
    for i in range(110):
        attempt(address=f"198.51.100.{i}")

    assert attempt(address="203.0.113.66").status_code == 429
    assert Session.objects.count() == 1


def test_the_memory_of_a_process_is_bounded():
    """When there are too many keys, those whose limits are nearest to full are dropped."""
    often, seldom = Rate(1, 60), Rate(1, 3600)
    assert stores.consume_here("kept", seldom, at=0) == 0
    for number in range(stores._SIZE):
        stores.consume_here(f"flood {number}", often, at=0)

    assert len(stores._memory) <= stores._SIZE
    assert stores.consume_here("kept", seldom, at=0) > 0
