"""
``make run``: from a fresh checkout to a running service, for a person at a laptop.

Writes ``.env`` with fresh secrets if there is none, migrates, makes the demo user, says what to
open, and becomes the server. In production the server is started directly, see the README.
"""

import io
import os
import re
import secrets
import socket
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
from project.environment import Env

ROOT = Path(__file__).resolve().parent.parent
DOTENV = ROOT / ".env"
SERVER = (
    *("project.wsgi:application", "--interface", "wsgi", "--no-ws", "--http", "1"),
    *("--blocking-threads", "96", "--log-level", "error"),
    # One that is told to stop while it starts would never do so.
    *("--workers-kill-timeout", "5"),
)
_LINE = re.compile(r"(export )?[A-Za-z_0-9]+=.*|#.*|")


def main() -> None:
    port = _free_port()
    _write_dotenv()
    _check_dotenv()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    Env.read_env(DOTENV)
    os.environ.setdefault("PUBLIC_URL", f"http://127.0.0.1:{port}")
    try:
        django.setup()
        call_command("check", stdout=io.StringIO())
        call_command("migrate", verbosity=0)
        demo = _demo_user()
    except (ImproperlyConfigured, DatabaseError, SystemCheckError) as error:
        sys.exit(f"authapi: {str(error).strip()}\nMend it in .env or the environment.")
    say(f"Open    {settings.PUBLIC_URL}/api/docs/")
    say(f"Sign in {demo}" if demo else "Sign in with a user of yours")
    say("Stop    Ctrl-C")
    command = [sys.executable, "-m", "granian", *SERVER, f"--port={port}"]
    os.execv(sys.executable, command)  # noqa: S606  # no shell is wanted


def _free_port() -> int:
    text = os.environ.get("PORT", "8000")
    if not text.isdecimal() or not 0 < int(text) < 65536:
        sys.exit(f"authapi: PORT is {text!r}; give a number from 1 to 65535.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", int(text)))
        except OSError as error:
            sys.exit(
                f"authapi: port {text} cannot be used ({error.strerror}). "
                f"Choose another: make run PORT={int(text) % 65535 + 1}"
            )
    return int(text)


def _write_dotenv() -> None:
    if DOTENV.exists():
        return
    pem = keys.generate().strip().replace("\n", "\\n")
    lines = [
        "# Made by make run. These are secrets: keep this file to yourself.",
        f"SECRET_KEY={secrets.token_urlsafe(48)}",
        f'JWT_KEYS="{pem}"',
    ]
    descriptor = os.open(DOTENV, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    say("Wrote   .env with fresh secrets")


def _check_dotenv() -> None:
    try:
        lines = DOTENV.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeError) as error:
        sys.exit(f"authapi: .env cannot be read ({error}). Mend it, or move it away.")
    for number, line in enumerate(lines, start=1):
        if not _LINE.fullmatch(line):
            sys.exit(f"authapi: line {number} of .env is not NAME=value. Mend it.")


def _demo_user() -> str | None:
    """Make the demo user, on a laptop only, and return how to sign in."""
    if urlsplit(settings.PUBLIC_URL).scheme != "http":
        return None
    from authapi import demo

    demo.make()
    return f"{demo.USERNAME} / {demo.PASSWORD}"


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
