"""``/health/``: liveness and readiness."""

import pytest
from django.db import connection


def test_live(api):
    answer = api.get("/health/live/")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_ready(api, db):
    answer = api.get("/health/ready/")

    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "database": "ok", "cache": "ok"}


def test_not_ready_without_the_cache(api, db, settings):
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
        }
    }

    answer = api.get("/health/ready/")

    assert answer.status_code == 503
    assert answer.json() == {"status": "unavailable", "database": "ok", "cache": "down"}


def test_not_ready_if_the_cache_loses_values(api, db, settings):
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}
    }

    answer = api.get("/health/ready/")

    assert answer.status_code == 503
    assert answer.json() == {"status": "unavailable", "database": "ok", "cache": "down"}


@pytest.mark.django_db
def test_not_ready_without_the_database(api):
    """A broken transaction simulates a database that does not answer."""
    connection.set_rollback(True)
    connection.needs_rollback = True

    answer = api.get("/health/ready/")

    connection.needs_rollback = False
    assert answer.status_code == 503
    assert answer.json()["database"] == "down"
