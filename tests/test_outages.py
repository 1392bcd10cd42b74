"""What the service answers while PostgreSQL, SQLite or Redis is down, hangs, is full or restarts."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path

import httpx
import psycopg
import pytest
import redis
from django.conf import settings

from tests.conftest import FAULTS, PASSWORD, assert_problem, own_redis
from tests.postgresql import PostgreSQL, own_postgresql
from tests.server import ROOT, USER, Service, serve, wait_until_ready

READY = {
    "status": "ok",
    "database": "ok",
    "migrations": "ok",
    "clock": "ok",
    "cache": "ok",
}


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    with own_postgresql() as server:
        yield server


@pytest.fixture(scope="module")
def service(
    server: PostgreSQL, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """The service with one worker, over a PostgreSQL server of its own."""
    folder = tmp_path_factory.mktemp("service")
    with serve(folder, server.url, GRANIAN_WORKERS="1") as service:
        yield service
    assert not FAULTS.search(service.log.read_text())


def health(service: Service, name: str = "ready") -> dict[str, str]:
    """Return what a probe says. *name* is ``live`` or ``ready``."""
    answer = service.client.get(f"/health/{name}/")
    body: dict[str, str] = answer.json()
    assert answer.status_code == (503 if body["status"] == "unavailable" else 200)
    return body


def refresh(service: Service, token: str) -> httpx.Response:
    return service.post("/api/token/refresh/", {"refresh": token})


def assert_unavailable(answer: httpx.Response) -> None:
    assert_problem(answer, 503, "unavailable")
    assert answer.headers["Retry-After"] == "1"


@pytest.mark.requirement("ASVS 16.5.2")
class TestPostgreSQLHangs:
    def test_a_refresh_is_answered_and_can_be_repeated(self, server, service):
        pair = service.login()

        with server.hanging():
            for _ in range(2):
                assert_unavailable(refresh(service, pair["refresh"]))

        repeated = refresh(service, pair["refresh"])
        assert repeated.status_code == 200
        assert refresh(service, repeated.json()["refresh"]).status_code == 200

    def test_the_probes_are_answered(self, server, service):
        with server.hanging():
            assert health(service, "live") == {"status": "ok"}
            assert health(service) == READY | {
                "status": "unavailable",
                "database": "down",
                "migrations": "unknown",
                "clock": "unknown",
            }

        assert health(service) == READY

    def test_a_login_is_answered(self, server, service):
        body = {"username": USER, "password": PASSWORD}

        with server.hanging():
            assert_unavailable(service.post("/api/token/", body))

    def test_the_admin_is_answered(self, server, service):
        with server.hanging():
            cookie = {"Cookie": f"sessionid={'a' * 32}"}

            assert_unavailable(service.client.get("/admin/", headers=cookie))


class TestPostgreSQLStalls:
    """Another transaction holds the row that a refresh has to change."""

    def test_postgresql_gives_up_and_the_token_stays_unspent(self, server, service):
        pair = service.login()

        with locked_sessions(server):
            assert_unavailable(refresh(service, pair["refresh"]))

        assert refresh(service, pair["refresh"]).status_code == 200
        assert "canceling statement due to lock timeout" in service.log.read_text()

    def test_a_token_that_is_spent_after_the_answer_can_be_repeated(
        self, server, tmp_path
    ):
        """PostgreSQL carries a statement out whose client has given up."""
        url = f"{server.url}?DISABLE_SERVER_SIDE_CURSORS=true"
        with serve(tmp_path, url, GRANIAN_WORKERS="1") as service:
            pair = service.login()
            before = spent(server)

            with locked_sessions(server):
                assert_unavailable(refresh(service, pair["refresh"]))
            while spent(server) == before:
                pass

            repeated = refresh(service, pair["refresh"])
            assert repeated.status_code == 200
            assert refresh(service, repeated.json()["refresh"]).status_code == 200


@contextmanager
def locked_sessions(server: PostgreSQL) -> Iterator[None]:
    with psycopg.connect(server.url) as other:
        other.execute("SELECT 1 FROM authapi_session FOR UPDATE")
        yield


def spent(server: PostgreSQL) -> int:
    """Return how many sessions have been refreshed."""
    return server.sql("SELECT count(*) FROM authapi_session WHERE previous_jti <> ''")[
        0
    ][0]


class TestPostgreSQLStops:
    def test_requests_are_answered_until_it_is_back(self, server, service):
        pair = service.login()

        with server.stopped():
            for _ in range(3):
                assert_unavailable(refresh(service, pair["refresh"]))
            assert health(service, "live") == {"status": "ok"}
            assert health(service)["database"] == "down"

        assert refresh(service, pair["refresh"]).status_code == 200
        assert health(service) == READY

    def test_the_log_names_the_cause_without_a_traceback(self, server, service):
        bodies = [{"token": service.login()["access"]}] * 40
        before = len(service.log.read_text())

        with server.stopped(), ThreadPoolExecutor(40) as pool:
            answers = pool.map(partial(service.post, "/api/token/verify/"), bodies)
            assert {answer.status_code for answer in answers} == {503}

        lines = service.log.read_text()[before:].splitlines()
        assert "Connection refused" in "".join(lines)
        assert len(lines) < 10

    def test_no_request_fails_after_a_restart(self, server, service):
        """The pool is full of connections that the restart has closed."""
        with ThreadPoolExecutor(20) as pool:
            list(pool.map(lambda _: service.login(), range(20)))
        token = service.login()["access"]

        with server.stopped():
            pass

        for _ in range(20):
            answer = service.client.get(
                "/api/profile/", headers={"Authorization": f"Bearer {token}"}
            )
            assert answer.status_code == 200


@pytest.mark.requirement("ASVS 13.2.6")
class TestConnections:
    def test_a_worker_holds_no_more_than_its_pool(self, server, service):
        body = {"username": USER, "password": PASSWORD}
        with (
            psycopg.connect(server.url, autocommit=True) as other,
            ThreadPoolExecutor(40) as pool,
        ):
            asked = [pool.submit(service.post, "/api/token/", body) for _ in range(40)]
            most = 0
            while not all(one.done() for one in asked):
                most = max(most, other.execute(_CONNECTIONS).fetchall()[0][0])

        assert 1 < most <= settings.DATABASE_POOL

    def test_without_a_free_connection_requests_are_answered(self, server, service):
        pair = service.login()

        with all_taken(server):
            assert_unavailable(refresh(service, pair["refresh"]))
            assert health(service)["database"] == "down"

        assert refresh(service, pair["refresh"]).status_code == 200
        assert "too many clients" in service.log.read_text()

    def test_an_exhausted_pool_does_not_make_the_service_unready(self, server, service):
        pairs = [service.login() for _ in range(30)]

        with locked_sessions(server), ThreadPoolExecutor(30) as pool:
            asked = [pool.submit(refresh, service, pair["refresh"]) for pair in pairs]
            while server.sql(_CONNECTIONS)[0][0] <= settings.DATABASE_POOL:
                pass

            assert health(service) == READY
            for one in asked:
                assert_unavailable(one.result())

    def test_a_command_waits_as_long_as_it_must(self, service):
        code = (
            "from django.db import connection; cursor = connection.cursor();"
            "cursor.execute('SHOW statement_timeout'); print(cursor.fetchone())"
        )

        assert service.python(code) == "('0',)\n"


# The number of connections, except the one that asks.
_CONNECTIONS = """
SELECT count(*) FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


@contextmanager
def all_taken(server: PostgreSQL) -> Iterator[None]:
    """Hold every connection that the server allows."""
    server.stop()
    server.start("-c max_connections=5 -c superuser_reserved_connections=0")
    with ExitStack() as held:
        for _ in range(5):
            held.enter_context(psycopg.connect(server.url))
        yield
    server.stop()
    server.start()


class TestPostgreSQLRefusesToWrite:
    def test_on_a_replica(self, server, service):
        pair = service.login()
        server.sql("ALTER SYSTEM SET default_transaction_read_only = on")
        server.sql("SELECT pg_reload_conf()")
        try:
            assert_unavailable(refresh(service, pair["refresh"]))
            assert health(service)["database"] == "not writable"
        finally:
            server.sql("ALTER SYSTEM RESET default_transaction_read_only")
            server.sql("SELECT pg_reload_conf()")

    def test_on_a_full_disk(self, server, service):
        pair = service.login()
        server.sql(_FULL_DISK)
        try:
            assert_unavailable(refresh(service, pair["refresh"]))
            assert health(service)["database"] == "not writable"
        finally:
            server.sql("DROP FUNCTION full_disk CASCADE")

        assert refresh(service, pair["refresh"]).status_code == 200
        assert health(service) == READY


# The error that PostgreSQL reports for a full disk.
_FULL_DISK = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
CREATE TRIGGER full_disk BEFORE INSERT ON authapi_limit EXECUTE FUNCTION full_disk();
CREATE TRIGGER full_disk BEFORE UPDATE ON authapi_session EXECUTE FUNCTION full_disk();
"""


class TestMigrations:
    def test_several_instances_can_migrate_at_once(self, server, service):
        server.sql("CREATE DATABASE fresh")
        url = server.url.removesuffix("/postgres") + "/fresh"
        environment = service.environment | {"DATABASE_URL": url}
        command = [sys.executable, "manage.py", "migrate", "--verbosity=0"]

        running = [
            subprocess.Popen(command, cwd=ROOT, env=environment) for _ in range(3)
        ]

        assert [process.wait(60) for process in running] == [0, 0, 0]

    def test_a_pending_migration_makes_the_service_unready(self, server, service):
        applied = "django_migrations WHERE app = 'authapi'"
        server.sql(f"CREATE TABLE kept AS SELECT * FROM {applied}")
        server.sql(f"DELETE FROM {applied}")
        try:
            assert health(service) == READY | {
                "status": "unavailable",
                "migrations": "pending",
                "clock": "unknown",
            }
        finally:
            server.sql("INSERT INTO django_migrations SELECT * FROM kept")

        assert health(service) == READY


def test_a_killed_worker_is_replaced(server, tmp_path):
    with serve(tmp_path, server.url, GRANIAN_WORKERS="2") as service:
        first, second = workers_of(service)

        os.kill(first, signal.SIGKILL)

        while first in (running := workers_of(service)) or len(running) < 2:
            pass
        assert second in running
        wait_until_ready(service.process, service.url, service.log)


def workers_of(service: Service) -> list[int]:
    main = service.process.pid
    children = Path(f"/proc/{main}/task/{main}/children").read_text()
    return [*map(int, children.split())]


def test_a_locked_sqlite_is_answered(tmp_path):
    with serve(tmp_path) as service:
        pair = service.login()
        with closing(sqlite3.connect(tmp_path / "db.sqlite3")) as other:
            other.execute("BEGIN IMMEDIATE")
            assert_unavailable(refresh(service, pair["refresh"]))
            other.rollback()

        assert refresh(service, pair["refresh"]).status_code == 200
        assert "database is locked" in service.log.read_text()
        assert not FAULTS.search(service.log.read_text())


@pytest.mark.requirement("ASVS 16.5.2")
class TestRedis:
    """It counts the limits against guessing, and nothing else depends on it."""

    @pytest.fixture(params=["hangs", "is-down"])
    def without_redis(
        self, request: pytest.FixtureRequest, tmp_path: Path
    ) -> Iterator[Service]:
        """The service, whose Redis has just failed."""
        with own_redis(tmp_path) as url:
            cache = url.replace("redis:", "rediscache:")
            with serve(tmp_path, GRANIAN_WORKERS="1", CACHE_URL=cache) as service:
                service.login()
                client = redis.Redis.from_url(url)
                process = client.info()["process_id"]
                if request.param == "hangs":
                    os.kill(process, signal.SIGSTOP)
                else:
                    client.shutdown(nosave=True)
                yield service
                if request.param == "hangs":
                    os.kill(process, signal.SIGCONT)

    def test_all_operations_go_on(self, without_redis):
        pair = without_redis.login()

        assert refresh(without_redis, pair["refresh"]).status_code == 200
        assert without_redis.login()
        said = without_redis.log.read_text()
        assert '"instead": "database"' in said
        # Each login counts five limits.
        assert 0 < said.count("redis_unavailable") < 10

    def test_the_probe_names_it(self, without_redis):
        assert health(without_redis, "live") == {"status": "ok"}
        assert health(without_redis) == READY | {
            "status": "degraded",
            "cache": "down",
        }
