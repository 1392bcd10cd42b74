"""A PostgreSQL server of a test's own, which can be stopped and can hang."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import psycopg
import pytest

from tests.server import free_port


def _programs() -> Path:
    """Return the folder of PostgreSQL's programs. CI requires them."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    found = shutil.which("pg_ctl") or (debian and debian[-1])
    if not found:
        if "CI" in os.environ:
            raise FileNotFoundError("pg_ctl")
        pytest.skip("no PostgreSQL programs here: apt-get install postgresql")
    return Path(found).parent


class PostgreSQL:
    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs, self._folder = programs, folder
        self.port = free_port()
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def sql(self, statement: str) -> list[Any]:
        writable = "-c default_transaction_read_only=off"
        with psycopg.connect(self.url, autocommit=True, options=writable) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def create(self) -> None:
        self._run(
            *("initdb", "--no-sync", "--auth=trust", "--username=postgres"),
            f"--pgdata={self._data}",
        )

    def start(self, settings: str = "") -> None:
        local = (
            f"-p {self.port} -c listen_addresses=127.0.0.1 -c fsync=off"
            f" -c unix_socket_directories='' {settings}"
        )
        log = self._folder / "log"
        self._control("start", f"--options={local}", f"--log={log}")

    def stop(self) -> None:
        self._control("stop", "--mode=immediate")

    @contextmanager
    def stopped(self) -> Iterator[None]:
        self.stop()
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """No process of the server runs. The system still accepts connections for it."""
        main = int((self._data / "postmaster.pid").read_text().split()[0])
        os.kill(main, signal.SIGSTOP)
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        processes = [main, *map(int, children)]
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in reversed(processes):
                os.kill(process, signal.SIGCONT)

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _control(self, *arguments: str) -> None:
        self._run("pg_ctl", *arguments, "--wait", f"--pgdata={self._data}")

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._programs / program, *arguments],
            check=True,
            cwd=self._folder,
            # PostgreSQL refuses to run as root.
            user="postgres" if os.geteuid() == 0 else None,
            stdout=subprocess.DEVNULL,
        )


@contextmanager
def own_postgresql() -> Iterator[PostgreSQL]:
    """Run a new PostgreSQL server until the block ends."""
    programs = _programs()
    # Not below pytest's folder, which other users cannot enter.
    folder = Path(mkdtemp(prefix="authapi-postgresql-"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
        server = PostgreSQL(programs, folder)
        server.create()
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)
