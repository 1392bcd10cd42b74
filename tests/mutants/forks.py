"""
Runs pytest in forks of one process that has imported the libraries but nothing of the project.

An interpreter takes about four seconds until it has loaded pytest's plugins, Django and what the
tests import; a fork takes half a second. A mutant costs one fork.
"""

import importlib
import json
import os
import signal
import socket
import sys
import threading
import traceback
from pathlib import Path

# What the project and its tests import, as far as it needs no settings.
LIBRARIES = (
    *("coverage", "cryptography", "hypothesis", "httpx", "jsonschema", "jsonschema_rs"),
    *("playwright.sync_api", "psycopg", "pytest", "redis", "requests", "schemathesis"),
    *("django.db.backends.sqlite3.base", "django.contrib.auth.hashers", "django.test"),
    *("drf_spectacular", "jwt", "rest_framework", "structlog", "whitenoise", "yaml"),
)
# Not in a copy of the tracked files, but used by tests.
ROOT = Path(__file__).parents[2]
UNTRACKED = (".venv", "node_modules", "staticfiles")
# The status of a call that did not get as far as pytest.
NOT_RUN = 70


def serve(path: str) -> None:
    """Answer calls of ``tests/mutants/python`` until the process is terminated."""
    for library in LIBRARIES:
        importlib.import_module(library)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # leave no zombies
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        while True:
            connection, _ = server.accept()
            with connection:
                if not os.fork():
                    server.close()
                    _run(connection)


def _run(connection: socket.socket) -> None:
    """Run the call that arrives in this process, which ends with it or with its caller."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    size, descriptors, _, _ = socket.recv_fds(connection, 4, 3)
    with connection.makefile("rb") as stream:
        call = stream.read(int.from_bytes(size, "big"))
    status = NOT_RUN
    try:
        threading.Thread(target=_end_with, args=(connection,), daemon=True).start()
        arguments = _prepare(*json.loads(call))
        for standard, descriptor in enumerate(descriptors):
            os.dup2(descriptor, standard)
        status = 1  # if pytest raises an exception
        status = int(importlib.import_module("pytest").main(arguments))
    except Exception:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        connection.sendall(bytes([status]))
        os.killpg(0, signal.SIGKILL)


def _end_with(connection: socket.socket) -> None:
    """End everything that this call has started if the caller gives up."""
    connection.recv(1)
    os.killpg(0, signal.SIGKILL)


def _prepare(
    arguments: list[str], folder: str, environment: dict[str, str]
) -> list[str]:
    """Become what ``python -m pytest`` is in *folder*, a copy of the project. Return its arguments."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for name in UNTRACKED:
        if (ROOT / name).exists() and not Path(name).exists():
            Path(name).symlink_to(ROOT / name)
    sys.path[:1] = [folder, *environment.get("PYTHONPATH", "").split(os.pathsep)]
    sys.dont_write_bytecode = True
    assert arguments[:2] == ["-m", "pytest"], arguments
    return _ordered(arguments[2:])


def _ordered(arguments: list[str]) -> list[str]:
    """
    Put different tests first, if every test is to run.

    fermut puts those first that execute little of the module, or that have noticed such a change.
    For a line that runs at import, the former is the wrong order.
    """
    order = json.loads(Path(os.environ["MUTANTS_ORDER"]).read_text())
    rank = {test: position for position, test in enumerate(order)}
    tests = [argument for argument in arguments if "::" in argument]
    if len(tests) < len(order):
        return arguments
    options = [argument for argument in arguments if "::" not in argument]
    return [*options, tests[0], *sorted(tests[1:], key=lambda test: rank.get(test, 0))]


if __name__ == "__main__":
    serve(sys.argv[1])
