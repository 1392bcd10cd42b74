"""``make run``: what it creates, and its error messages."""

import fcntl
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from socket import socket

import pytest

from authapi.tokens import keys
from tests.checkout import SHELL, call, copy, pin_this_python, python
from tests.server import free_port, http, wait_until_ready


@pytest.fixture
def checkout(tmp_path) -> Path:
    return copy(tmp_path)


def run(checkout: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return call(python("-m", "project.run"), checkout, **environment)


@contextmanager
def started(
    checkout: Path, command: list[str], port: int, **environment: str
) -> Iterator[tuple[subprocess.Popen, Path]]:
    """Start *command*, which serves on *port*, and stop it when the block ends."""
    log = checkout / f"{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=checkout,
            env=SHELL | {"PORT": str(port)} | environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process, log
    finally:
        process.terminate()
        process.wait(10)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def log_in(port: int) -> int:
    body = {"username": "demo", "password": "let-me-in-please"}
    return http.post(f"http://localhost:{port}/api/token/", json=body).status_code


@pytest.fixture(scope="module")
def running(tmp_path_factory) -> Iterator[tuple[Path, int, Path]]:
    """A copy in which ``make run`` is serving, with its port and output."""
    folder, port = copy(tmp_path_factory.mktemp("running")), free_port()
    with started(folder, python("-m", "project.run"), port) as (process, log):
        wait_until_ready(process, f"http://127.0.0.1:{port}", log)
        yield folder, port, log


def test_creates_secrets_database_and_demo_user(running):
    _, port, log = running

    assert log_in(port) == 200
    assert f"http://127.0.0.1:{port}/api/docs/" in log.read_text()
    assert "demo / let-me-in-please" in log.read_text()


def test_other_users_cannot_read_the_secrets_and_the_database(running):
    folder, _, _ = running

    made = [folder / ".env", *folder.glob("db.sqlite3*")]

    assert {".env", "db.sqlite3"} < {path.name for path in made}
    assert {mode(path) for path in made} == {0o600}


def test_a_second_server_cannot_take_the_port(running):
    folder, port, _ = running

    second = run(folder, PORT=str(port))

    assert "another make run uses it" in second.stderr


def test_other_users_cannot_read_the_migrated_database(checkout):
    done = call(
        python("manage.py", "migrate", "--verbosity=0"),
        checkout,
        SECRET_KEY="0123456789" * 5,
        JWT_KEYS=keys.generate(),
    )

    assert done.returncode == 0, done.stderr
    assert mode(checkout / "db.sqlite3") == 0o600


def test_creates_no_demo_user_in_public(checkout):
    port = free_port()
    public = {
        "PUBLIC_URL": "https://auth.example.com",
        "ALLOWED_HOSTS": "127.0.0.1",
        "TRUSTED_PROXIES": "127.0.0.1",
        "THROTTLE_RATES": "verify=900/min",
    }

    command = python("-m", "project.run")
    with started(checkout, command, port, **public) as (process, log):
        wait_until_ready(process, f"http://127.0.0.1:{port}", log)

    assert "Sign in with an account of your own" in log.read_text()
    with closing(sqlite3.connect(checkout / "db.sqlite3")) as database:
        assert not database.execute("SELECT * FROM authapi_user").fetchall()


class TestTwoAtOnce:
    @pytest.mark.proof  # two programs and a fresh .venv take long
    def test_both_serve_from_a_fresh_clone(self, checkout):
        """They set up one after the other, so neither sees an incomplete set-up."""
        pip = pin_this_python(checkout)
        first, second = free_port(), free_port()
        make = ["make", "run", f"PYTHON={sys.executable}"]

        with (
            started(checkout, make, first, **pip) as (one, its_log),
            started(checkout, make, second, **pip) as (other, other_log),
        ):
            wait_until_ready(one, f"http://127.0.0.1:{first}", its_log, 120)
            wait_until_ready(other, f"http://127.0.0.1:{second}", other_log, 120)
            statuses = [log_in(first), log_in(second)]

        said = its_log.read_text() + other_log.read_text()
        assert statuses == [200, 200], said
        assert said.count("Installing requirements.lock") == 1
        assert said.count("Installing staticfiles") == 1
        assert said.count("Wrote   .env") == 1

    def test_the_second_reports_that_the_port_is_taken(self, checkout):
        """This also holds while the first sets up, before anything listens on the port."""
        port = free_port()
        (checkout / "staticfiles").mkdir()
        with (checkout / ".lock").open("w") as file:
            fcntl.lockf(file, fcntl.LOCK_EX, 1, 0)  # as another set-up does
            first = subprocess.Popen(
                python("-m", "project.run"),
                cwd=checkout,
                env=SHELL | {"PORT": str(port)},
                stderr=subprocess.PIPE,
                text=True,
            )
            assert first.stderr
            waiting = first.stderr.readline()
            second = run(checkout, PORT=str(port))

        wait_until_ready(first, f"http://127.0.0.1:{port}", checkout / "README.md")
        first.terminate()
        first.communicate()
        assert waiting == "Waiting for the set-up by another make in this folder\n"
        assert f"port {port} cannot be used (another make run uses it" in second.stderr


def test_reports_that_the_port_is_taken(checkout):
    with socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        done = run(checkout, PORT=str(port))

    assert done.returncode != 0
    assert done.stderr.startswith(f"authapi: port {port} cannot be used")
    assert f"make run PORT={port + 1}" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1"])
def test_reports_an_invalid_port(checkout, port):
    done = run(checkout, PORT=port)

    assert (
        done.stderr
        == f"authapi: PORT is {port!r}; set it to a number from 1 to 65535.\n"
    )


def test_reports_that_the_folder_is_not_writable(checkout):
    (checkout / ".lock").mkdir()

    done = run(checkout, PORT=str(free_port()))

    assert done.returncode != 0
    assert ".lock cannot be opened (Is a directory)" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("dotenv", "said"),
    [
        ("", ".env sets no SECRET_KEY and no JWT_KEYS, and"),
        ("JWT_KEYS=x\n", ".env sets no SECRET_KEY, and"),
        (f"SECRET_KEY={'0123456789' * 5}\n", ".env sets no JWT_KEYS, and"),
        ("SECRET_KEY=\nJWT_KEYS=x", ".env sets no SECRET_KEY, and"),
        ("\udcff", ".env cannot be read"),
    ],
    ids=["empty", "no-secret", "no-keys", "no-value", "not-text"],
)
def test_explains_that_deleting_dotenv_helps_and_what_is_lost(checkout, dotenv, said):
    (checkout / ".env").write_bytes(dotenv.encode(errors="surrogateescape"))

    done = run(checkout, PORT=str(free_port()))

    assert done.returncode != 0
    assert said in done.stderr
    assert "delete .env, and make run writes a new one" in done.stderr
    assert "all sessions end" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("dotenv", "said"),
    [
        ("SECRET_KEY=x\nnonsense here\n", "line 2 of .env is not NAME=value"),
        ("SECRET_KEY=x\nJWT_KEYS=x\n", "JWT_KEYS must begin with a private key"),
        (
            "SECRET_KEY=x\nJWT_KEYS=x\nJWT_ACCESS_LIFETIME=soon\n",
            "JWT_ACCESS_LIFETIME cannot be read",
        ),
    ],
    ids=["not-a-line", "not-a-key", "not-a-number"],
)
def test_reports_what_to_fix_in_dotenv(checkout, dotenv, said):
    (checkout / ".env").write_text(dotenv)

    done = run(checkout, PORT=str(free_port()))

    assert done.returncode != 0
    assert said in done.stderr
    assert "Fix it" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("damage", ["garbage", "overwritten"])
def test_reports_a_damaged_database_and_the_remedy(checkout, damage):
    file = checkout / "db.sqlite3"
    if damage == "garbage":
        file.write_text("This is not a database.")
    else:
        with closing(sqlite3.connect(file)) as database:
            database.execute("CREATE TABLE django_migrations (id, app, name, applied)")
        header = file.read_bytes()[:100]
        file.write_bytes(header + b"\xff" * 8092)

    done = run(checkout, PORT=str(free_port()))

    assert done.returncode != 0
    assert f"{file} is damaged, or is not a database" in done.stderr
    assert "Restore it from a backup. Or delete it" in done.stderr
    assert ".env" not in done.stderr
    assert "Traceback" not in done.stderr


def test_reports_an_unreachable_database(checkout):
    done = run(
        checkout,
        PORT=str(free_port()),
        DATABASE_URL="postgresql://nobody@127.0.0.1:1/none",
    )

    assert done.returncode != 0
    assert "127.0.0.1" in done.stderr
    assert "Check that the database is running, and check DATABASE_URL" in done.stderr
    assert "Traceback" not in done.stderr
