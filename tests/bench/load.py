"""
Measures each system behind Granian, with one worker: CPU of a request, requests per second, and how
long a profile takes while many clients log in.

All systems run at once, and rounds alternate between them, so that a busy moment of the machine is
nobody's. Clocks are for comparison within one run only.
"""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from socket import socket
from statistics import median
from threading import Event
from typing import Any

from tests.bench import environments
from tests.bench.catalog import PASSWORD, READER, Request, System
from tests.bench.environments import ROOT, say

OPERATIONS = ("profile", "verify", "refresh")
ROUNDS = 5
SECONDS = 1.0
CLIENTS = 4
STORM = 40
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Server:
    """One system that runs, and what was measured of it: milliseconds and requests per second."""

    system: System
    process: subprocess.Popen
    port: int
    clients: list["Client"] = field(init=False)
    cpu: dict[str, list[float]] = field(default_factory=dict)
    rates: dict[str, list[float]] = field(default_factory=dict)
    alone: list[float] = field(default_factory=list)
    stormed: list[float] = field(default_factory=list)
    logins: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.clients = [self.connect() for _ in range(CLIENTS)]

    def connect(self) -> "Client":
        return Client(self.system, HTTPConnection("127.0.0.1", self.port, timeout=120))

    def reconnect(self) -> None:
        """Open new connections: Granian closes those that were idle while others had their turn."""
        for client in self.clients:
            client.connection.close()

    def seconds(self) -> float:
        """CPU of the process and of its worker until now."""
        children = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        workers = " ".join(path.read_text() for path in children).split()
        ticks = 0
        for pid in (self.process.pid, *workers):
            # The name, in parentheses, may contain spaces.
            stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(stat[11]) + int(stat[12])
        return ticks / _TICKS


@dataclass
class Client:
    """One connection. It keeps its tokens, and takes the new ones of each refresh."""

    system: System
    connection: HTTPConnection
    access: str = ""
    refresh: str = ""

    def send(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        body = request.body.encode() or None
        self.connection.request(request.method, request.path, body, request.headers)
        response = self.connection.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return response.status, headers, response.read()

    def expect(self, request: Request) -> bytes:
        status, _, body = self.send(request)
        if status != 200:
            sys.exit(
                f"bench: {self.system.title}: {request.path} got {status}: {body!r}"
            )
        return body

    def log_in(self) -> None:
        if not self.system.login:
            return
        pair = json.loads(self.expect(self.system.log_in(READER)))
        self.access, self.refresh = pair[self.system.access], pair.get("refresh", "")

    def do(self, operation: str) -> None:
        if operation == "refresh":
            pair = json.loads(self.expect(self.system.refresh_tokens(self.refresh)))
            self.access, self.refresh = pair["access"], pair["refresh"]
        elif operation == "verify":
            self.expect(self.system.verify_token(self.access))
        elif READER.encode() not in self.expect(self.system.read_profile(self.access)):
            sys.exit(f"bench: {self.system.title}: the profile is not the reader's")


def load(systems: Iterable[System], folder: Path) -> list[Server]:
    """Measure all *systems*."""
    with ExitStack() as running:
        servers = []
        for system in systems:
            say(f"Starting {system.title}")
            servers.append(
                running.enter_context(_serve(system, folder / f"{system.name}-served"))
            )
            for client in servers[-1].clients:
                client.log_in()
        for number in range(ROUNDS + 1):
            say(f"Round {number} of {ROUNDS}" if number else "Warming up")
            for operation in OPERATIONS:
                # Each goes first once.
                turn = number % len(servers)
                for server in servers[turn:] + servers[:turn]:
                    if getattr(server.system, operation):
                        _measure(server, operation, keep=number > 0)
        for server in servers:
            if server.system.login:
                say(f"Logins storm {server.system.title}")
                _storm(server)
    return servers


@contextmanager
def _serve(system: System, folder: Path) -> Iterator[Server]:
    folder.mkdir()
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    options: dict[str, Any] = {
        "cwd": ROOT,
        "env": environments.variables(folder, cheap_hash=False),
    }
    python = environments.python(system)
    with (folder / "log").open("wb") as log:
        subprocess.run(
            [python, "-m", "tests.bench.drive", "users", system.name],
            check=True,
            stdout=log,
            stderr=log,
            **options,
        )
        process = subprocess.Popen(
            [
                *(
                    python,
                    "-m",
                    "granian",
                    f"tests.bench.systems.{system.name}:application",
                ),
                *("--interface", system.interface, "--http", "1", "--no-ws"),
                *("--workers", "1", "--port", str(port), "--log-level", "error"),
                *("--workers-kill-timeout", "1", *system.server),
            ],
            stdout=log,
            stderr=log,
            **options,
        )
        server = Server(system, process, port)
        try:
            _wait_until_ready(server, folder / "log")
            yield server
        finally:
            process.terminate()
            process.wait(10)


def _wait_until_ready(server: Server, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            server.connect().send(Request("GET", server.system.profile))
        except (OSError, HTTPException):
            time.sleep(0.05)
        else:
            return
    sys.exit(f"bench: {server.system.title} did not start:\n{log.read_text()[-2000:]}")


def _measure(server: Server, operation: str, *, keep: bool) -> None:
    """Let a few clients send one request after the other for a second."""
    server.reconnect()

    def repeat(client: Client) -> int:
        done = 0
        while time.perf_counter() < end:
            client.do(operation)
            done += 1
        return done

    cpu, began = server.seconds(), time.perf_counter()
    end = began + SECONDS
    with ThreadPoolExecutor(CLIENTS) as pool:
        done = sum(pool.map(repeat, server.clients))
    if keep:
        cpu, wall = server.seconds() - cpu, time.perf_counter() - began
        server.cpu.setdefault(operation, []).append(cpu / done * 1000)
        server.rates.setdefault(operation, []).append(done / wall)


def _storm(server: Server) -> None:
    """Read the profile alone, then while clients log in with wrong passwords, without a pause."""
    server.reconnect()
    reader = server.clients[0]
    over = Event()

    def log_in(number: int) -> None:
        client = server.connect()
        request = server.system.log_in(f"nobody{number}", f"not {PASSWORD}")
        while not over.is_set():
            status, headers, _ = client.send(request)
            server.logins[status] += 1
            # Like a client that obeys Retry-After.
            over.wait(float(headers.get("retry-after", 0)))

    server.alone = _times(lambda: reader.do("profile"))
    with ThreadPoolExecutor(STORM) as pool:
        running = [pool.submit(log_in, number) for number in range(STORM)]
        time.sleep(1)
        server.stormed = _times(lambda: reader.do("profile"))
        over.set()
    for client in running:
        client.result()


def _times(call: Callable[[], None]) -> list[float]:
    """Milliseconds of up to 200 calls, one after the other, for up to six seconds."""
    times: list[float] = []
    end = time.perf_counter() + 6
    while len(times) < 200 and time.perf_counter() < end:
        began = time.perf_counter()
        call()
        times.append((time.perf_counter() - began) * 1000)
    return times


def spread(values: list[float], digits: int = 0) -> str:
    """The median, and the range."""
    low, middle, high = (
        f"{value:.{digits}f}" for value in (min(values), median(values), max(values))
    )
    return f"{middle} ({low}–{high})"


def p95(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.95)]
