"""A PostgreSQL server of a test's own, which can be stopped and can hang."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import psycopg

from tests.programs import program
from tests.server import free_port


class PostgreSQL:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = free_port()
        self.url = self.url_of("postgres")

    def url_of(self, database: str, user: str = "postgres") -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def sql(self, statement: str, database: str = "postgres") -> list[Any]:
        writable = "-c default_transaction_read_only=off"
        with psycopg.connect(
            self.url_of(database), autocommit=True, options=writable
        ) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def create_database(self, name: str, options: str = "") -> str:
        """Create a database that belongs to the role ``authapi``, no superuser. Return its URL."""
        with suppress(psycopg.errors.DuplicateObject):
            self.sql("CREATE ROLE authapi LOGIN")
        self.sql(f"CREATE DATABASE {name} OWNER authapi {options}")
        return self.url_of(name, "authapi")

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

    def stop(self, mode: str = "immediate") -> None:
        self._control("stop", f"--mode={mode}")

    def kill(self) -> None:
        """End it as a lack of memory would. PostgreSQL's other processes notice and end too."""
        children = self._children()
        os.kill(self._main, signal.SIGKILL)
        while any(Path(f"/proc/{pid}").exists() for pid in children):
            time.sleep(0.05)
        (self._data / "postmaster.pid").unlink()

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
        main = self._main
        os.kill(main, signal.SIGSTOP)
        processes = [main, *self._children()]
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in reversed(processes):
                os.kill(process, signal.SIGCONT)

    @property
    def _main(self) -> int:
        return int((self._data / "postmaster.pid").read_text().split()[0])

    def _children(self) -> list[int]:
        main = self._main
        children = Path(f"/proc/{main}/task/{main}/children").read_text()
        return [int(pid) for pid in children.split()]

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _control(self, *arguments: str) -> None:
        self._run("pg_ctl", *arguments, "--wait", f"--pgdata={self._data}")

    def _run(self, name: str, *arguments: str) -> None:
        subprocess.run(
            [program(name, "postgresql"), *arguments],
            check=True,
            cwd=self._folder,
            # PostgreSQL refuses to run as root.
            user="postgres" if os.geteuid() == 0 else None,
            stdout=subprocess.DEVNULL,
        )


@contextmanager
def own_postgresql(settings: str = "") -> Iterator[PostgreSQL]:
    """Run a new PostgreSQL server until the block ends."""
    # Not below pytest's folder, which other users cannot enter.
    folder = Path(mkdtemp(prefix="authapi-postgresql-"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
        server = PostgreSQL(folder)
        server.create()
        server.start(settings)
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)
