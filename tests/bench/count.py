"""
Counts the instructions of each operation with callgrind, in the system's own process, without a server.

Runs of one installation differ by less than 0.3 %, on an idle machine or a busy one, and the bare view not
at all. Another path of the checkout, or packages installed anew, move a figure by up to
1 %, because the addresses of names decide which of them share a place in Python's cache of attributes.
Every answer is checked, because a refused request is cheap.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from os import cpu_count
from pathlib import Path
from typing import Any

from tests.bench import environments
from tests.bench.catalog import BARE, FIELDS, READER, System
from tests.bench.drive import COUNTED
from tests.bench.environments import ROOT, say

_TOTALS = re.compile(r"^totals: (\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class Count:
    """Instructions until the first answer, and of one request of each operation; the SQL of one request."""

    start: int
    instructions: dict[str, float]
    sql: dict[str, list[str]]

    def statements(self, operation: str) -> int:
        return len(self.sql[operation])

    def commits(self, operation: str) -> int:
        """Transactions, and writes outside one, which SQLite commits on its own."""
        commits, inside = 0, False
        for statement in self.sql[operation]:
            word = statement.split()[0].upper()
            commits += word == "COMMIT" or (
                word in {"INSERT", "UPDATE", "DELETE"} and not inside
            )
            inside = (inside or word == "BEGIN") and word not in {"COMMIT", "ROLLBACK"}
        return commits


def unit(counts: dict[str, Count]) -> float:
    """Instructions of the bare view, which is the unit of all others."""
    return counts[BARE.name].instructions["profile"]


def count(systems: Iterable[System], folder: Path) -> dict[str, Count]:
    """Count all *systems*, as many at a time as there are cores."""
    valgrind = shutil.which("valgrind")
    if not valgrind:
        sys.exit("bench: valgrind is missing. On Debian: apt-get install valgrind")
    with ThreadPoolExecutor(cpu_count()) as pool:
        jobs = {
            system.name: pool.submit(_count, system, folder / system.name, valgrind)
            for system in systems
        }
        return {name: job.result() for name, job in jobs.items()}


def _count(system: System, folder: Path, valgrind: str) -> Count:
    folder.mkdir()
    drive = (environments.python(system), "-m", "tests.bench.drive")
    _run(system, folder, *drive, "prepare", system.name)
    say(f"Counting {system.title}")
    _run(
        *(system, folder, valgrind, "--tool=callgrind", "--dump-before=getsid"),
        *(f"--callgrind-out-file={folder}/counted", f"--log-file={folder}/valgrind"),
        *(*drive, "count", system.name),
    )
    found = json.loads((folder / "answers.json").read_text())
    for operation, answers in found["answers"].items():
        check(system, operation, answers)
    for what, wanted, status in found["probes"]:
        if status != wanted:
            sys.exit(f"bench: {system.title}: {what} got {status}, not {wanted}")
    say(f"Counted {system.title}")
    start, *parts = _dumps(folder)
    counted = parts[1::2]
    return Count(
        start=start,
        instructions={
            operation: instructions / COUNTED
            for operation, instructions in zip(found["answers"], counted, strict=True)
        },
        sql=found["statements"],
    )


def _run(system: System, folder: Path, *command: str) -> None:
    log = folder / "log"
    with log.open("wb") as output:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=environments.variables(folder, cheap_hash=True),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    if done.returncode:
        tail = log.read_text(errors="replace")[-2000:]
        sys.exit(f"bench: {system.title} failed:\n{tail}")


def _dumps(folder: Path) -> list[int]:
    """
    What was counted between the calls of ``getsid``, without the end of the program.

    The first is the start; then, for each operation, what came before and the operation itself.
    """
    paths = sorted(folder.glob("counted.*"), key=lambda path: int(path.suffix[1:]))
    totals = (_TOTALS.search(path.read_text(errors="replace")) for path in paths)
    return [int(total[1]) for total in totals if total]


def check(system: System, operation: str, answers: list[tuple[int, Any, str]]) -> None:
    """Exit if one of *answers* is not what a client that is let in would get."""
    for status, _, body in answers:
        if not _is_right(system, operation, status, body):
            sys.exit(f"bench: {system.title}: {operation} got {status}: {body[:500]}")
    if len(answers) != COUNTED + 1:
        sys.exit(f"bench: {system.title}: {operation} got {len(answers)} answers")
    bodies = {body for _, _, body in answers}
    if operation in {"login", "login_new_place", "refresh"} and len(bodies) == 1:
        sys.exit(f"bench: {system.title}: {operation} gave the same tokens to all")


def _is_right(system: System, operation: str, status: int, body: str) -> bool:
    if operation == "schema_304":
        return status == 304 and not body
    if status != 200:
        return False
    answer = json.loads(body)
    match operation:
        case "profile" | "profile_new":
            return answer["username"] == READER and answer.keys() == FIELDS
        case "verify":
            # simplejwt's answer is empty.
            return answer == {} or answer["username"] == READER
        case "schema":
            return system.profile in answer["paths"]
        case "sessions":
            return len(answer["results"]) == 20
        case "refresh":
            return _is_token(answer["access"]) and _is_token(answer["refresh"])
        case _:
            return _is_token(answer[system.access])


def _is_token(text: str) -> bool:
    return text.startswith("eyJ") and text.count(".") == 2
