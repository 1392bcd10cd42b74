"""``/health/``: liveness and readiness. ``test_outages`` has the cases that need a server."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Semaphore
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.core.cache.backends.dummy import DummyCache
from django.db import connection, connections
from django.db.migrations.recorder import MigrationRecorder

from authapi.models import Limit
from project.whole_requests import complete

WELL = {"database": "ok", "migrations": "ok", "clock": "ok", "cache": "ok"}
pytestmark = pytest.mark.django_db(transaction=True)


def test_live(api):
    answer = api.get("/health/live/")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_ready(api):
    answer = api.get("/health/ready/")

    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", **WELL}


class TestDatabase:
    def test_not_ready_without_it(self, api, monkeypatch):
        monkeypatch.setitem(connections.settings["default"], "NAME", "/nowhere/at.all")

        answer = api.get("/health/ready/")

        assert answer.status_code == 503
        assert answer.json() == {
            "status": "unavailable",
            "database": "down",
            "migrations": "unknown",
            "clock": "unknown",
            "cache": "ok",
        }

    def test_not_ready_if_it_cannot_be_written(self, api, without_limits):
        answer = api.get("/health/ready/")

        assert answer.status_code == 503
        assert answer.json()["database"] == "not writable"

    def test_not_ready_before_it_is_migrated(self, api, unmigrated):
        answer = api.get("/health/ready/")

        assert answer.status_code == 503
        assert answer.json()["migrations"] == "pending"
        assert answer.json()["database"] == "ok"

    def test_leaves_nothing_behind(self, api):
        assert api.get("/health/ready/").status_code == 200

        assert not Limit.objects.exists()

    @pytest.mark.requirement("ASVS 16.2.2")
    @pytest.mark.parametrize(("seconds", "said"), [(25, "ok"), (60, "differs")])
    def test_not_ready_if_the_clocks_differ(self, api, seconds, said):
        with time_machine.travel(time.time() + seconds):
            answer = api.get("/health/ready/")

        assert answer.json()["clock"] == said


@pytest.fixture
def without_limits():
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE authapi_limit RENAME TO away")
        yield
        cursor.execute("ALTER TABLE away RENAME TO authapi_limit")


@pytest.fixture
def unmigrated():
    applied = MigrationRecorder.Migration.objects.filter(app="authapi")
    kept = list(applied)
    applied.delete()
    yield
    MigrationRecorder.Migration.objects.bulk_create(kept)


class TestCache:
    @pytest.mark.parametrize(
        "cache",
        [
            {
                "BACKEND": "django.core.cache.backends.redis.RedisCache",
                "LOCATION": "redis://127.0.0.1:1/0",
            },
            {"BACKEND": "django.core.cache.backends.dummy.DummyCache"},
        ],
        ids=["down", "loses-values"],
    )
    def test_degraded_without_it(self, api, settings, cache):
        settings.CACHES = {"default": cache}

        answer = api.get("/health/ready/")

        assert answer.status_code == 200
        assert answer.json() == {"status": "degraded", **WELL, "cache": "down"}

    def test_while_it_hangs_probes_are_answered_and_wait_in_one_thread(
        self, api, settings
    ):
        settings.CACHES = {"default": {"BACKEND": "tests.test_health.HangingCache"}}
        try:
            answers = [api.get("/health/ready/") for _ in range(3)]
        finally:
            HangingCache.answers.set()

        assert {answer.status_code for answer in answers} == {200}
        assert {answer.json()["cache"] for answer in answers} == {"down"}
        assert HangingCache.asked == 1


class HangingCache(DummyCache):
    asked = 0
    answers = Event()

    def set(self, *args: Any, **options: Any) -> None:
        HangingCache.asked += 1
        self.answers.wait()


def test_a_probe_does_not_wait_for_a_turn():
    """The service asks for a turn for each request, and there is none left."""
    turns = settings.PASSWORD_HASHES_AT_ONCE + settings.PASSWORD_LINE + settings.TURNS
    busy, end = Semaphore(0), Event()

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        if environ["PATH_INFO"] != "/health/live/":
            busy.release()
            end.wait()
        return [b"done"]

    wrapped = complete(application)

    def ask(path: str) -> Any:
        return wrapped({"PATH_INFO": path, "REQUEST_METHOD": "GET"}, None)

    with ThreadPoolExecutor(turns + 1) as pool:
        waiting = [pool.submit(ask, "/api/profile/") for _ in range(turns)]
        for _ in waiting:
            busy.acquire()
        live = pool.submit(ask, "/health/live/")
        try:
            assert live.result(10) == [b"done"]
        finally:
            end.set()
