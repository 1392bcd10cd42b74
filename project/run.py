"""
``make run``: from a fresh checkout to a running service, for a person at a laptop.

Writes ``.env`` with fresh secrets if there is none, migrates, makes the demo user, says what to
open, and becomes the server. In production the server is started directly, see the README.
"""

import io
import os
import re
import secrets
import signal
import socket
import sqlite3
import sys
from pathlib import Path
from urllib.parse import urlsplit

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import DatabaseError

from authapi.tokens import keys
from project import process_lock
from project.environment import Env

ROOT = Path(__file__).resolve().parent.parent
DOTENV = ROOT / ".env"
SERVER = (
    *("project.wsgi:application", "--interface", "wsgi", "--no-ws", "--http", "1"),
    *("--log-level", "error"),
    # One worker that dies must not end the others.
    "--respawn-failed-workers",
    # A worker that is told to stop while it starts would never stop.
    *("--workers-kill-timeout", "5"),
)
_ANEW = (
    "Or delete .env, and make run writes a new one with fresh secrets:"
    " all sessions end, and other settings in it are lost."
)
_LINE = re.compile(r"(export )?[A-Za-z_0-9]+=.*|#.*|")


def main() -> None:
    port = _port()
    # The files created here contain secrets and password hashes.
    os.umask(0o077)
    with process_lock.set_up():
        _write_dotenv()
        _read_dotenv()
        demo = _set_up(port)
    say(f"Open    {settings.PUBLIC_URL}/api/docs/")
    say(f"Sign in {demo}" if demo else "Sign in with an account of your own")
    say("Stop    Ctrl-C")
    command = [sys.executable, "-m", "project.serve", *SERVER, f"--port={port}"]
    command += [f"--blocking-threads={settings.SERVER_THREADS}"]
    os.execv(sys.executable, command)  # noqa: S606  # no shell is wanted


def _port() -> int:
    text = os.environ.get("PORT", "8000")
    if not text.isdecimal() or not 0 < int(text) < 65536:
        sys.exit(f"authapi: PORT is {text!r}; set it to a number from 1 to 65535.")
    reason = _why_taken(int(text))
    if reason:
        sys.exit(
            f"authapi: port {text} cannot be used ({reason}). "
            f"Choose another: make run PORT={int(text) % 65535 + 1}"
        )
    return int(text)


def _why_taken(port: int) -> str | None:
    """Return why the server cannot listen on *port*. If it can, lock the port and return None."""
    if not process_lock.take(port):
        return "another make run uses it, or is about to"
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return error.strerror
    return None


def _write_dotenv() -> None:
    if DOTENV.exists():
        return
    pem = keys.generate().strip().replace("\n", "\\n")
    lines = [
        "# Created by make run. This file contains secrets: do not share it.",
        f"SECRET_KEY={secrets.token_urlsafe(48)}",
        f'JWT_KEYS="{pem}"',
    ]
    DOTENV.write_text("\n".join(lines) + "\n", encoding="utf-8")
    say("Wrote   .env with fresh secrets")


def _read_dotenv() -> None:
    try:
        lines = DOTENV.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeError) as error:
        sys.exit(f"authapi: .env cannot be read ({error}). Fix it.\n{_ANEW}")
    for number, line in enumerate(lines, start=1):
        if not _LINE.fullmatch(line):
            sys.exit(f"authapi: line {number} of .env is not NAME=value. Fix it.")
    Env.read_env(DOTENV)
    missing = [name for name in ("SECRET_KEY", "JWT_KEYS") if not _is_set(name)]
    if missing:
        sys.exit(
            f"authapi: .env sets no {' and no '.join(missing)}, and the environment sets"
            f" none. Add it to .env, from a backup for instance.\n{_ANEW}"
        )


def _is_set(name: str) -> bool:
    return bool(os.environ.get(name) or os.environ.get(f"{name}_FILE"))


def _set_up(port: int) -> str | None:
    """Check the configuration and migrate. Return the credentials of the demo user, if there is one."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    os.environ.setdefault("PUBLIC_URL", f"http://127.0.0.1:{port}")
    try:
        django.setup()
        call_command("check", stdout=io.StringIO())
        call_command("migrate", verbosity=0)
        return _demo_user()
    except (ImproperlyConfigured, SystemCheckError) as error:
        sys.exit(f"authapi: {str(error).strip()}\nFix it in .env or the environment.")
    except DatabaseError as error:
        sys.exit(f"authapi: {str(error).strip()}\n{_remedy(error)}")


def _remedy(error: DatabaseError) -> str:
    """Return what to do about a database error."""
    code = getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return (
            f"{settings.DATABASES['default']['NAME']} is damaged, or is not a database."
            " Restore it from a backup. Or delete it, and make run creates a new one:"
            " all users and sessions in it are lost."
        )
    return "Check that the database is running, and check DATABASE_URL in .env or the environment."


def _demo_user() -> str | None:
    """Create the demo user, on localhost only, and return its credentials."""
    if urlsplit(settings.PUBLIC_URL).scheme != "http":
        return None
    from authapi import demo

    demo.make()
    return f"{demo.USERNAME} / {demo.PASSWORD}"


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C exits without a traceback
    main()
