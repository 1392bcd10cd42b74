"""Connections of the server to a PostgreSQL that hangs. ``test_outages`` does so with a real one."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from socket import create_server, socket
from threading import Thread
from typing import Any

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from project import postgresql
from tests.checkout import call, python
from tests.server import ROOT
from tests.test_deployment import PRODUCTION

AUTHENTICATED = b"R\0\0\0\x08\0\0\0\0"
IDLE = b"Z\0\0\0\x05I"
LOCKED = b"E\0\0\0\x15SERROR\0C55P03\0M\0\0"


def serve(connection: socket) -> None:
    """Let a client in, answer statements that begin with ``LOCK``, and hang at any other."""
    with connection, suppress(ConnectionError):
        connection.recv(1024)
        connection.sendall(AUTHENTICATED + IDLE)
        while statement := connection.recv(1024):
            if b"LOCK" in statement:
                connection.sendall(LOCKED + IDLE)


@pytest.fixture
def url() -> Iterator[str]:
    """A server that speaks as much of PostgreSQL's protocol as it takes to hang."""
    with create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    Thread(target=serve, args=(listener.accept()[0],)).start()

        Thread(target=accept).start()
        port = listener.getsockname()[1]
        yield f"host=127.0.0.1 port={port} user=a sslmode=disable gssencmode=disable"
        listener.shutdown(2)


@pytest.fixture
def pool(url: str) -> Iterator[ConnectionPool[Any]]:
    options = postgresql.options(size=3, wait=0.3, session=True)
    with ConnectionPool(url, **options["pool"], kwargs={"autocommit": True}) as pool:
        yield pool


def test_a_connection_that_gets_no_answer_is_replaced(pool):
    with pool.connection() as first:
        with pytest.raises(psycopg.OperationalError, match="timeout"):
            first.execute("SELECT 1")

        assert first.closed

    with pool.connection() as second:
        assert not second.closed


def test_the_others_are_replaced_too(pool):
    with pool.connection() as first, pool.connection() as second:
        pass

    with pool.connection() as one, pytest.raises(psycopg.OperationalError):
        one.execute("SELECT 1")

    assert first.closed
    assert second.closed


def test_a_statement_that_postgresql_gives_up_costs_no_connection(pool):
    with pool.connection() as connection:
        with pytest.raises(psycopg.errors.LockNotAvailable):
            connection.execute("LOCK TABLE a")

        assert not connection.closed


def databases(code: str, folder: Path, query: str = "") -> str:
    """Return what *code* prints, with PostgreSQL as the database."""
    (folder / "show.py").write_text(code)
    environment = PRODUCTION | {
        "DATABASE_URL": f"postgresql://127.0.0.1:1/authapi{query}",
        "CACHE_URL": "rediscache://127.0.0.1:1/0",
        "PYTHONPATH": str(ROOT),
    }
    done = call(python(str(folder / "show.py")), ROOT, **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("query", "expected"),
    [("?CONN_MAX_AGE=60", True), ("?DISABLE_SERVER_SIDE_CURSORS=true", False)],
    ids=["directly", "through-a-pooler"],
)
def test_only_a_session_of_its_own_gets_postgresqls_timeouts(query, expected, tmp_path):
    serves = "import project.wsgi; from project.settings import *; print(DATABASES)"

    said = databases(serves, tmp_path, query)

    assert ("statement_timeout=1250" in said) == expected
    assert "'max_size': 9" in said
    assert "'CONN_MAX_AGE': 0" in said


def test_a_command_has_neither_a_pool_nor_timeouts(tmp_path):
    said = databases("from project.settings import *; print(DATABASES)", tmp_path)

    assert "max_size" not in said
    assert "timeout" not in said
