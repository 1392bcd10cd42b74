"""``make run``: what it makes, and what it says when it cannot."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from socket import socket

import pytest

from tests.server import ROOT, free_port, http, wait_until_ready

# The environment of a new shell: none of the tests' own settings.
SHELL = {
    name: value
    for name, value in os.environ.items()
    if name
    not in {"SECRET_KEY", "JWT_KEYS", "PUBLIC_URL", "DATABASE_URL", "DEBUG"}
    | {"DJANGO_SETTINGS_MODULE", "MAKEFLAGS", "MAKELEVEL"}
}


@pytest.fixture
def checkout(tmp_path) -> Path:
    """A copy of the sources, with nothing that a run leaves behind."""
    copied = tmp_path / "checkout"
    shutil.copytree(
        ROOT,
        copied,
        ignore=lambda folder, names: [
            name
            for name in names
            if name.startswith((".", "db.sqlite3"))
            or name in {"node_modules", "staticfiles", "__pycache__"}
        ],
    )
    return copied


def run(checkout: Path, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "project.run"],
        cwd=checkout,
        env=SHELL | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_makes_secrets_a_database_and_a_user_who_can_log_in(checkout):
    port = free_port()
    log = checkout / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "project.run"],
            cwd=checkout,
            env=SHELL | {"PORT": str(port)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_until_ready(process, f"http://127.0.0.1:{port}", log)
            answer = http.post(
                f"http://localhost:{port}/api/token/",
                json={"username": "demo", "password": "let-me-in-please"},
            )
        finally:
            process.terminate()
            process.wait(10)

    assert answer.status_code == 200, answer.text
    assert f"http://127.0.0.1:{port}/api/docs/" in log.read_text()
    assert "demo / let-me-in-please" in log.read_text()
    assert stat.S_IMODE((checkout / ".env").stat().st_mode) == 0o600


def test_says_that_the_port_is_taken(checkout):
    with socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        done = run(checkout, PORT=str(port))

    assert done.returncode != 0
    assert done.stderr.startswith(f"authapi: port {port} cannot be used")
    assert "make run PORT=" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1"])
def test_says_that_the_port_is_none(checkout, port):
    done = run(checkout, PORT=port)

    assert done.stderr == f"authapi: PORT is {port!r}; give a number from 1 to 65535.\n"


@pytest.mark.parametrize(
    ("dotenv", "said"),
    [
        ("SECRET_KEY=x\nnonsense here\n", "line 2 of .env is not NAME=value"),
        ("DEBUG=1\n", "Set the SECRET_KEY environment variable"),
        ("SECRET_KEY=x\n", "JWT_KEYS must begin with a private key"),
        ("SECRET_KEY=x\nDEBUG=1\nJWT_ACCESS_LIFETIME=soon\n", "JWT_ACCESS_LIFETIME"),
        ("\udcff", ".env cannot be read"),
    ],
    ids=["no-line", "no-secret", "no-key", "no-number", "no-text"],
)
def test_says_what_is_wrong_with_dotenv(checkout, dotenv, said):
    (checkout / ".env").write_bytes(dotenv.encode(errors="surrogateescape"))

    done = run(checkout, PORT=str(free_port()))

    assert done.returncode != 0
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_says_that_the_database_does_not_answer(checkout):
    done = run(
        checkout,
        PORT=str(free_port()),
        DATABASE_URL="postgresql://nobody@127.0.0.1:1/none",
    )

    assert done.returncode != 0
    assert "127.0.0.1" in done.stderr
    assert "Traceback" not in done.stderr


def test_make_says_that_python_is_missing(checkout):
    done = subprocess.run(
        ["make", "run", "PYTHON=nowhere"],
        cwd=checkout,
        env=SHELL,
        capture_output=True,
        text=True,
    )

    assert done.returncode != 0
    assert "nowhere is not Python 3.11 or later" in done.stdout


def test_make_alone_lists_what_there_is(checkout):
    done = subprocess.run(
        ["make"], cwd=checkout, env=SHELL, capture_output=True, text=True
    )

    assert "make run" in done.stdout
    assert "make test" in done.stdout
