"""The service as deployed: the real server, in separate processes, on a real database."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from socket import socket
from typing import Any

import httpx
import redis
from django.conf import settings
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from authapi import demo
from authapi.testing.client import contract
from project.run import SERVER
from tests.variants import Variant

ROOT = Path(__file__).parent.parent
# A test may finish before the second worker has started.
SOON = ("--workers-kill-timeout", "1")
USER, PASSWORD = demo.USERNAME, demo.PASSWORD


def _check(answer: httpx.Response) -> None:
    answer.read()
    contract().check(answer.request.method, answer.request.url.path, answer)


# Check every answer against the OpenAPI document.
_CHECKED: Any = {"response": [_check]}

# Servers come and go, so no connection is kept.
http = httpx.Client(
    event_hooks=_CHECKED,
    limits=httpx.Limits(max_keepalive_connections=0),
)


@dataclass
class Service:
    """A running service with one user."""

    url: str
    environment: dict[str, str]
    log: Path
    client: httpx.Client
    root: Path = ROOT
    process: subprocess.Popen = field(init=False)

    def manage(self, *arguments: str) -> str:
        """Run a ``manage.py`` command beside the server and return what it prints."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=self.root,
            env=self.environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def python(self, code: str) -> str:
        return self.manage("shell", "--no-imports", "--command", code)

    def post(self, path: str, body: Any, **options: Any) -> httpx.Response:
        return self.client.post(path, json=body, **options)

    def login(self, username: str = USER, user_agent: str = "") -> dict[str, str]:
        body = {"username": username, "password": PASSWORD}
        headers = {"User-Agent": user_agent} if user_agent else {}
        answer = self.post("/api/token/", body, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def log_in(self, variant: Variant, username: str = USER) -> str:
        """Log in through *variant* and return the bearer token."""
        body = {"username": username, "password": PASSWORD}
        return self.post(variant.login, body).json()[variant.token]

    def profile(self, variant: Variant, token: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return self.client.get(variant.profile, headers=headers)

    def expired_pair(self, user: str) -> list[str]:
        """
        Make *user* and sign it in an hour ago.

        The access token has expired; the refresh token is its session's newest.
        """
        code = _EXPIRED_PAIR.format(user=user, password=PASSWORD)
        return self.python(code).splitlines()[-1].split()


_EXPIRED_PAIR = """
from datetime import timedelta
from django.utils import timezone
from authapi import sessions
from authapi.client import UNKNOWN
from authapi.models import User
from authapi.tokens import codec

user = User.objects.create_user({user!r}, "ada@example.com", {password!r})
now = timezone.now()
session = sessions.start(user, client=UNKNOWN, at=now)
pair = codec.issue(session, at=now - timedelta(hours=1))
print(pair.access, pair.refresh)
"""


@contextmanager
def serve(
    folder: Path,
    database_url: str | None = None,
    root: Path = ROOT,
    port: int | None = None,
    **environment: str,
) -> Iterator[Service]:
    """
    Run the service of *root* until the block ends.

    On a free port if none is named, and over an empty database unless *folder* has one already.
    """
    port = port or free_port()
    url = f"http://127.0.0.1:{port}"
    service = Service(
        url=url,
        environment=os.environ
        | {
            "DATABASE_URL": database_url or f"sqlite:///{folder / 'db.sqlite3'}",
            "PUBLIC_URL": url,
            "SECRET_KEY": settings.SECRET_KEY,
            "JWT_KEYS": settings.JWT_KEYS,
            "DJANGO_SETTINGS_MODULE": "project.settings",
            "GRANIAN_WORKERS": "2",
            "THROTTLE_RATES": ",".join(
                f"{scope}={rate}" for scope, rate in settings.THROTTLE_RATES.items()
            ),
        }
        | environment,
        log=folder / "server.log",
        client=httpx.Client(base_url=url, timeout=15, event_hooks=_CHECKED),
        root=root,
    )
    service.manage("migrate", "--verbosity=0")
    service.python("from authapi import demo; demo.make()")
    with service.log.open("wb") as log:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "project.serve", *SERVER, *SOON),
                f"--port={port}",
                f"--blocking-threads={settings.SERVER_THREADS}",
            ],
            cwd=root,
            env=service.environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        service.process = process
        try:
            wait_until_ready(process, url, service.log)
            with service.client:
                yield service
        finally:
            process.terminate()
            process.wait(10)


@contextmanager
def start_redis(program: str, folder: Path) -> Iterator[str]:
    """Run a Redis server without persistence until the block ends."""
    port = free_port()
    process = subprocess.Popen(
        [program, f"--port {port}", "--save", "", "--bind 127.0.0.1"],
        cwd=folder,
        stdout=subprocess.DEVNULL,
    )
    url = f"redis://127.0.0.1:{port}/0"
    try:
        retry = Retry(ConstantBackoff(0.05), 100)
        redis.Redis.from_url(url, retry=retry).ping()
        yield url
    finally:
        process.terminate()
        process.wait(10)


def free_port() -> int:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_ready(
    process: subprocess.Popen, url: str, log: Path, seconds: float = 30
) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{url}/health/ready/").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError(f"The server did not start:\n{log.read_text()}")
