"""The servers that the service needs, each started on ports and in folders of its own."""

import os
import pwd
import re
import shutil
import signal
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis

from tests.postgresql import PostgreSQL
from tests.programs import program
from tests.server import ROOT, free_port


def wait_until(done: Callable[[], Any], what: str, seconds: float = 120) -> None:
    """Wait for a condition; after *seconds* it is a failure."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.05)


def make_secrets(folder: Path) -> Path:
    """Run the commands with which operators make the secrets of ``compose.yaml``."""
    page = (ROOT / "project" / "README.md").read_text()
    block = re.search(r"^    umask(.*\n)*?(?=    sudo)", page, re.MULTILINE)
    assert block
    program("openssl")
    subprocess.run(
        ["bash", "-eu"],
        input=block[0],
        text=True,
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return folder / "secrets"


@dataclass
class Process:
    """A server in a process group of its own, which ends with it."""

    command: list[str]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    user: str | None = None
    root: Path = ROOT
    log: Path = field(init=False)
    process: subprocess.Popen = field(init=False)

    def __post_init__(self) -> None:
        name = Path(self.command[0]).name
        self.log = self.folder / f"{name}.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.folder if self.user else self.root,
                env=self.environment,
                user=self.user,
                group=self.user and pwd.getpwnam(self.user).pw_gid,
                extra_groups=[] if self.user else None,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    def all(self) -> list[int]:
        """This process and its descendants, the oldest first."""
        found = [self.pid]
        for pid in found:
            with suppress(OSError):
                children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
                found += map(int, children.split())
        return found

    def freeze(self) -> None:
        """Stop it and its children, as a hung machine would."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, number: int) -> None:
        # The parent first, which could otherwise start another child.
        for pid in self.all():
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def end(self, number: int = signal.SIGTERM, seconds: float = 20) -> None:
        """Ask it to stop, and kill what remains."""
        children = self.all()
        self.process.send_signal(number)
        try:
            self.process.wait(seconds)
        finally:
            for pid in children:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait()


class Redis:
    """A Redis server without persistence."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self) -> None:
        command = [program("redis-server"), f"--port {self.port}", "--save", ""]
        self.server = Process([*command, "--bind 127.0.0.1"], self.folder)
        wait_until(self._answers, "Redis starts")

    def repair(self) -> None:
        """Let it go on, or start it again."""
        self.server.thaw()
        if self.server.process.poll() is not None:
            self.start()

    def _answers(self) -> bool:
        try:
            return bool(redis.Redis.from_url(self.url).ping())
        except redis.RedisError:
            return False


@contextmanager
def running_redis(folder: Path) -> Iterator[Redis]:
    server = Redis(folder)
    try:
        yield server
    finally:
        server.server.thaw()
        if server.server.process.poll() is None:
            server.server.end()


class Proxy:
    """nginx with the file of ``compose.yaml``, in which only the places differ."""

    def __init__(self, folder: Path, secrets: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.secrets = secrets
        self.url = f"https://localhost:{self.port}"
        self.tls = ssl.create_default_context(cafile=secrets / "tls_certificate")
        self.file = folder / "nginx.conf"
        self.to([self.port])
        nginx = program("nginx", "nginx-light")
        command = [nginx, "-p", str(folder), "-c", str(self.file)]
        self.command = [*command, "-g", "daemon off;"]
        subprocess.run([*self.command, "-t", "-q"], check=True)

    def start(self) -> None:
        self.server = Process(self.command, self.folder)

    def to(self, ports: list[int]) -> None:
        """Write which instances requests go to. A running proxy must be reloaded."""
        text = (ROOT / "project" / "nginx.conf").read_text()
        here = {
            " /tmp/": f" {self.folder}/",
            "/run/secrets/": f"{self.secrets}/",
            "/dev/stdout": f"{self.folder}/access.log",
            "listen 8443": f"listen 127.0.0.1:{self.port}",
        }
        for line in re.findall(r".*service:8000.*", text):
            here[line] = "\n".join(
                line.replace("service:8000", f"127.0.0.1:{port}") for port in ports
            )
        for there in here:
            assert there in text, there
        pattern = "|".join(map(re.escape, here))
        self.file.write_text(re.sub(pattern, lambda match: here[match[0]], text))

    def reload(self) -> None:
        """Take the new file. Requests in hand end as they began."""
        workers = {*self.server.all()[1:]}
        self.server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: {*self.server.all()[1:]} - workers, "nginx takes a new file")


@contextmanager
def proxy(folder: Path, secrets: Path) -> Iterator[Proxy]:
    server = Proxy(folder, secrets)
    server.start()
    try:
        yield server
    finally:
        server.server.end()


class PgBouncer:
    """PgBouncer in transaction mode, in front of every database of a server."""

    size = 10

    def __init__(self, folder: Path, database: PostgreSQL) -> None:
        self.port = free_port()
        # It does not run as root.
        user = "postgres" if os.geteuid() == 0 else None
        if user:
            shutil.chown(folder, user)
        users = folder / "users.txt"
        users.write_text('"authapi" ""\n')
        settings = {
            "listen_addr": "127.0.0.1",
            "listen_port": self.port,
            "unix_socket_dir": "",
            "auth_type": "trust",
            "auth_file": users,
            "pool_mode": "transaction",
            "default_pool_size": self.size,
            "max_client_conn": 400,
        }
        file = folder / "pgbouncer.ini"
        file.write_text(
            f"[databases]\n* = host=127.0.0.1 port={database.port}\n[pgbouncer]\n"
            + "".join(f"{name} = {value}\n" for name, value in settings.items())
        )
        command = [program("pgbouncer"), str(file)]
        self.server = Process(command, folder, user=user)


@contextmanager
def pgbouncer(folder: Path, database: PostgreSQL) -> Iterator[PgBouncer]:
    server = PgBouncer(folder, database)
    try:
        yield server
    finally:
        server.server.end()
