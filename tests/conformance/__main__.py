"""
Run every case against every system, and print the matrix.

Exits with 1 if it is not the one that the README shows, or if a case does not hold for authapi.
"""

import os
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import psycopg

from project.run import say
from tests.conformance import adapters
from tests.conformance.cases import CASES, ORDERED
from tests.conformance.system import Adapter, Failed, System, find_faketime
from tests.databases import new_postgresql

README = adapters.ROOT / "README.md"
TITLE = "Refresh tokens"
PASSED = "✓"


def main() -> None:
    if not find_faketime():
        sys.exit("conformance: no faketime here; on Debian: apt-get install faketime")
    began = time.monotonic()
    with ExitStack() as stack:
        systems = [adapters.authapi("authapi, SQLite")]
        try:
            url = stack.enter_context(new_postgresql())
            systems.append(adapters.authapi("authapi, PostgreSQL", url))
        except psycopg.OperationalError as error:
            if "CI" in os.environ:
                raise
            say(f"No PostgreSQL at 127.0.0.1:5432, so no column for it ({error}).")
        ours = {system.name for system in systems}
        systems.append(adapters.tutorial("simplejwt with its blacklist"))
        with ThreadPoolExecutor(len(systems)) as pool:
            columns = dict(
                zip([s.name for s in systems], pool.map(run, systems), strict=True)
            )
    printed = table(columns)
    say("\n".join(printed))
    say(f"{len(CASES)} cases, {time.monotonic() - began:.0f} s")
    failed = {cell for name in ours for cell in columns[name].values()} - {PASSED}
    shown = [line for line in README.read_text().splitlines() if line in printed]
    if len(ours) == 2 and shown != printed:
        sys.exit("README.md shows another matrix. Replace it by this one.")
    if failed:
        sys.exit("A case does not hold for authapi.")


def run(adapter: Adapter, *rows: str) -> Mapping[str, str]:
    """Run the cases of *rows*, or all, against a new instance. Return a cell for each row."""
    chosen = [case for case in ORDERED if not rows or case.row in rows]
    cells: dict[str, str] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        System(adapter, Path(folder)).running() as system,
    ):
        for case in chosen:
            if cells.setdefault(case.row, PASSED) != PASSED:
                continue
            if case.clock:
                system.stop_the_clock()
            try:
                case.check(system)
            except Failed as failed:
                lacking = adapter.lacks.get(case.needs or "")
                cells[case.row] = f"– {lacking}" if lacking else f"✗ {failed}"
    return cells


def table(columns: Mapping[str, Mapping[str, str]]) -> list[str]:
    rows = dict.fromkeys(case.row for case in CASES)
    lines = [[TITLE, *columns], ["---"] * (len(columns) + 1)]
    lines += [[row, *(cells[row] for cells in columns.values())] for row in rows]
    return [f"| {' | '.join(line)} |" for line in lines]


if __name__ == "__main__":
    main()
