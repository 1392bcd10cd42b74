"""The answer of every operation while the database cannot be used."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import InternalError, OperationalError, connection
from psycopg.errors import ReadOnlySqlTransaction
from rest_framework.test import APIRequestFactory
from rest_framework.throttling import AnonRateThrottle
from rest_framework.views import APIView

from tests.conftest import PASSWORD, assert_problem

OPERATIONS = [
    ("POST", "/api/token/"),
    ("POST", "/api/token/refresh/"),
    ("POST", "/api/token/verify/"),
    ("POST", "/api/token/blacklist/"),
    ("GET", "/api/profile/"),
    ("PATCH", "/api/profile/"),
    ("GET", "/api/sessions/"),
    ("DELETE", "/api/sessions/"),
    ("DELETE", "/api/sessions/00000000-0000-4000-8000-000000000000/"),
    ("POST", "/api/manual/login/"),
    ("GET", "/api/manual/profile/"),
]


@contextmanager
def refusing_every_statement() -> Iterator[None]:
    def refuse(*args: object) -> None:
        raise OperationalError("the connection is lost")

    with connection.execute_wrapper(refuse):
        yield


@pytest.mark.requirement("ASVS 16.5.3")
@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=" ".join)
def test_every_operation_answers_503_without_the_database(
    api, user, login, method, path
):
    pair = login().json()
    credentials = {"username": "ada", "password": PASSWORD}
    body = {**credentials, "refresh": pair["refresh"], "token": pair["access"]}
    manual = api.post("/api/manual/login/", credentials).json()["token"]
    token = manual if "manual" in path else pair["access"]

    with refusing_every_statement():
        answer = api(method, path, body, token)

    assert_problem(answer, 503, "unavailable")
    assert answer["Retry-After"] == "1"


def test_the_admin_answers_503_without_the_database(api, db):
    api.client.cookies["sessionid"] = "a" * 32

    with refusing_every_statement():
        assert_problem(api.get("/admin/"), 503, "unavailable")


def test_a_login_answers_503_on_a_replica(login, user):
    def refuse(*args: object) -> None:
        raise InternalError("read-only") from ReadOnlySqlTransaction()

    with connection.execute_wrapper(refuse):
        assert_problem(login(), 503, "unavailable")


def test_a_mistake_in_a_statement_is_a_server_error(api, user, login):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE authapi_session RENAME TO away")
        answer = login()
        cursor.execute("ALTER TABLE away RENAME TO authapi_session")

    assert_problem(answer, 500, "server_error")


class Limited(APIView):
    """An application's view, whose limit is counted in Django's cache."""

    permission_classes = ()
    throttle_classes = (type("Throttle", (AnonRateThrottle,), {"rate": "1/min"}),)


def test_a_limit_of_an_application_answers_503_without_redis(settings):
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
        }
    }

    answer = Limited.as_view()(APIRequestFactory().get("/"))

    assert answer.status_code == 503
    assert answer["Retry-After"] == "1"
