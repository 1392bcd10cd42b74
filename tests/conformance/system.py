"""A system under test: its server, its clock, its users, and the requests of its clients."""

import base64
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from socket import socket
from threading import Barrier
from typing import NamedTuple

# How many requests ``at_once`` sends at most.
MOST = 32
PASSWORD = "let-me-in-please"
OWNER = "owner"
# What happens to users between their login and the use of their tokens.
FATES = ("password", "disabled", "enabled-again", "deleted")


class Failed(Exception):
    """A case does not hold. The message is a few words, the same in every run."""


class Place(NamedTuple):
    """Where a request comes from: what it says, and the addresses that the proxy adds."""

    user_agent: str
    forwarded_for: str

    @property
    def headers(self) -> dict[str, str]:
        return {"User-Agent": self.user_agent, "X-Forwarded-For": self.forwarded_for}


HOME = Place("Browser/1.0", "192.0.2.7")


class Pair(NamedTuple):
    access: str
    refresh: str

    @property
    def successor(self) -> str:
        return identity(self.refresh)


def identity(token: str) -> str:
    """Return the ``jti`` of *token*. A repeated answer may contain another text of the same token."""
    payload = token.split(".")[1]
    claims = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    return str(json.loads(claims)["jti"])


class Answer(NamedTuple):
    status: int
    text: str

    @property
    def pair(self) -> Pair | None:
        """The tokens, or None if the request was refused."""
        if self.status >= 500:
            raise Failed(f"answers {self.status}")
        if self.status >= 400 or not self.text:
            return None
        members = json.loads(self.text)
        return Pair(members["access"], members["refresh"])


class Request(NamedTuple):
    path: str
    body: Mapping[str, str] | None = None
    place: Place = HOME
    method: str = "POST"
    bearer: str = ""


@dataclass(frozen=True)
class Adapter:
    """
    How to run one system and where its operations are.

    Args:
        folder: where its commands run.
        server: the command that serves, ``{port}`` filled in.
        environment: of its commands, ``{url}`` and ``{folder}`` filled in.
        prepare: the command that creates the tables, and a user for each name in ``USERS``.
        change: the command that lets happen to each user what its name says (``FATES``).
        lacks: what the system does not claim to do, and what it does instead.
    """

    name: str
    folder: Path
    server: Sequence[str]
    environment: Mapping[str, str]
    prepare: Sequence[str]
    change: Sequence[str]
    lacks: Mapping[str, str] = field(default_factory=dict)
    login: str = "/api/token/"
    refresh: str = "/api/token/refresh/"
    logout: str = "/api/token/blacklist/"
    resource: str = "/api/profile/"


class System:
    """A running system."""

    def __init__(self, adapter: Adapter, folder: Path):
        self.adapter = adapter
        self._port = _free_port()
        self.log = folder / "server.log"
        self._clock = folder / "clock"
        self._now = datetime.now(UTC)
        filled = {
            "url": f"http://127.0.0.1:{self._port}",
            "folder": folder,
        }
        self._environment = {
            **os.environ,
            **{
                name: value.format(**filled)
                for name, value in adapter.environment.items()
            },
            "PASSWORD": PASSWORD,
            "USERS": " ".join((OWNER, *FATES)),
        }

    @contextmanager
    def running(self) -> Iterator["System"]:
        self._run(self.adapter.prepare)
        self._start()
        try:
            with ThreadPoolExecutor(MOST) as self._pool:
                yield self
        finally:
            self._stop()

    def restart(self) -> None:
        self._stop()
        self._start()

    def stop_the_clock(self) -> None:
        """
        Restart with a clock that stands still until ``pass_time``, unless it does already.

        So no case depends on the machine's speed. Requests at once take ten times as long from here on,
        because reading this clock takes a lock.
        """
        if self._clock.exists():
            return
        self._environment |= {
            "TZ": "UTC",
            "LD_PRELOAD": str(find_faketime()),
            "FAKETIME_TIMESTAMP_FILE": str(self._clock),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        self._now = datetime.now(UTC)
        self.pass_time()
        self.restart()

    def pass_time(self, **units: float) -> None:
        """Move the stopped clock forward."""
        self._now += timedelta(**units)
        following = self._clock.with_suffix(".next")
        following.write_text(f"{self._now:%Y-%m-%d %H:%M:%S}\n")
        following.replace(self._clock)

    @cached_property
    def changed(self) -> Mapping[str, Pair]:
        """For each of ``FATES``, tokens from before it happened to their user."""
        pairs = {fate: self.log_in(fate) for fate in FATES}
        self._run(self.adapter.change)
        return pairs

    def log_in(self, username: str = OWNER, place: Place = HOME) -> Pair:
        body = {"username": username, "password": PASSWORD}
        pair = self.send(Request(self.adapter.login, body, place)).pair
        if not pair:
            raise Failed("no login")
        return pair

    def refreshing(self, token: str, place: Place = HOME) -> Request:
        return Request(self.adapter.refresh, {"refresh": token}, place)

    def refresh(self, token: str, place: Place = HOME) -> Pair | None:
        """Return the new pair, or None if *token* was refused."""
        return self.send(self.refreshing(token, place)).pair

    def renewed(self, token: str, place: Place = HOME) -> Pair:
        """Refresh with a token that must be accepted."""
        pair = self.refresh(token, place)
        if not pair:
            raise Failed("refuses a good token")
        return pair

    def logging_out(self, token: str) -> Request:
        return Request(self.adapter.logout, {"refresh": token})

    def log_out(self, token: str) -> bool:
        return self.send(self.logging_out(token)).status < 400

    def lets_in(self, access: str) -> bool:
        """Whether the protected resource accepts *access* as a bearer token."""
        request = Request(self.adapter.resource, method="GET", bearer=access)
        return self.send(request).status == 200

    def at_once(self, requests: Sequence[Request]) -> list[Answer]:
        """Send all *requests* at the same moment, each on a connection of its own."""
        barrier = Barrier(len(requests))
        return list(self._pool.map(self.send, requests, [barrier] * len(requests)))

    def send(self, request: Request, barrier: Barrier | None = None) -> Answer:
        """Send a request, when all others wait at the *barrier* too. Try again if it is too busy."""
        answer = self._send(request, barrier)
        for _ in range(10):
            if answer.status != 503:
                break
            time.sleep(1)  # as Retry-After says
            answer = self._send(request)
        return answer

    def _send(self, request: Request, barrier: Barrier | None = None) -> Answer:
        headers = dict(request.place.headers)
        body = None
        if request.body is not None:
            body = json.dumps(request.body)
            headers["Content-Type"] = "application/json"
        if request.bearer:
            headers["Authorization"] = f"Bearer {request.bearer}"
        connection = HTTPConnection("127.0.0.1", self._port, timeout=60)
        try:
            connection.connect()
            if barrier:
                barrier.wait(60)
            connection.request(request.method, request.path, body, headers)
            answer = connection.getresponse()
            return Answer(answer.status, answer.read().decode())
        except (OSError, HTTPException) as error:
            raise Failed("no answer") from error
        finally:
            connection.close()

    def _run(self, command: Sequence[str]) -> None:
        done = subprocess.run(
            command,
            cwd=self.adapter.folder,
            env=self._environment,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)

    def _start(self) -> None:
        with self.log.open("ab") as log:
            self._server = subprocess.Popen(
                [part.format(port=self._port) for part in self.adapter.server],
                cwd=self.adapter.folder,
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self._server.poll() is None:
            try:
                self.lets_in("")
            except Failed:
                time.sleep(0.05)
            else:
                return
        self._stop()
        raise RuntimeError(f"The server did not start:\n{self.log.read_text()}")

    def _stop(self) -> None:
        """Kill all processes of the server, as a machine that fails would."""
        with suppress(ProcessLookupError):  # it did not start
            os.killpg(self._server.pid, signal.SIGKILL)
        self._server.wait()


def find_faketime() -> Path | None:
    """Return the library of Debian's package faketime, which gives a process a clock of its own."""
    return next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)


def _free_port() -> int:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
