"""The machine that the rows break: started once, and whole again for each row."""

import logging
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from project.run import say
from tests.postgresql import PostgreSQL, own_postgresql
from tests.scale import servers
from tests.scale.fleet import Fleet, running
from tests.scale.servers import Proxy, Redis


@dataclass
class Machine:
    """What the instances need."""

    folder: Path
    postgresql: PostgreSQL
    redis: Redis
    proxy: Proxy

    def subfolder(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return folder


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """A folder that other users may enter: PostgreSQL does not run as root."""
    with tempfile.TemporaryDirectory(prefix="authapi-scale-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="session")
def machine(folder: Path) -> Iterator[Machine]:
    # So that a SIGTERM, like Ctrl-C, ends the servers too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    logging.getLogger("httpx").setLevel("WARNING")  # a line for each request

    def subfolder(name: str) -> Path:
        (folder / name).mkdir()
        return folder / name

    with ExitStack() as stack:
        start = stack.enter_context
        yield Machine(
            folder,
            start(own_postgresql()),
            start(servers.running_redis(subfolder("redis"))),
            start(servers.proxy(subfolder("nginx"), servers.make_secrets(folder))),
        )
    assert not _processes_in(folder)


def _processes_in(folder: Path) -> list[str]:
    """The commands of processes that work in *folder*, or were told of it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            inside = str((process / "cwd").readlink()).startswith(str(folder))
        except OSError:
            continue
        if inside or str(folder) in command:
            found.append(command)
    return found


@pytest.fixture(scope="session")
def _fleet(machine: Machine) -> Iterator[Fleet]:
    url = machine.postgresql.create_database("authapi")
    with running(
        machine.subfolder("fleet"),
        machine.proxy,
        DATABASE_URL=url,
        CACHE_URL=machine.redis.url,
    ) as fleet:
        yield fleet


@pytest.fixture
def fleet(_fleet: Fleet, machine: Machine) -> Iterator[Fleet]:
    """The fleet. Afterwards the machine is repaired, and a fleet with other settings is restarted."""
    before = _fleet.environment
    yield _fleet
    machine.redis.repair()
    changed = _fleet.environment != before
    _fleet.environment = before
    if changed or not _fleet.recovers():
        _fleet.restart()


@pytest.fixture
def report(
    request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> Callable[[str], None]:
    """Print what a row has come to, now and in the summary."""
    row = request.node.name.removeprefix("test_").replace("_", " ")

    def report(text: str) -> None:
        line = f"{row}: {text}"
        record_property("said", line)
        say(line)

    return report
