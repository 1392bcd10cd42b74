"""An environment for each system, built once in ``.bench/`` from its pinned requirements."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from authapi.tokens import keys
from tests.bench.catalog import BARE, OURS, System

ROOT = Path(__file__).parent.parent.parent
BUILT = ROOT / ".bench"
_REQUIREMENTS = Path(__file__).parent / "requirements"
# All systems sign with this key. It is made for each run.
_KEY = keys.generate()


def say(line: str) -> None:
    """Say what happens now. Results go to the standard output."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def build(systems: Iterable[System]) -> None:
    """Install what *systems* need, unless it is installed."""
    for system in systems:
        folder = BUILT / system.name
        stamp = folder / "requirements.txt"
        if system in (BARE, OURS):
            continue
        wanted = (_REQUIREMENTS / stamp.with_stem(system.name).name).read_text()
        if stamp.exists() and stamp.read_text() == wanted:
            continue
        say(f"Installing {system.title} into {folder.relative_to(ROOT)}")
        _run(sys.executable, "-m", "venv", "--clear", str(folder))
        pip = (python(system), "-m", "pip", "install", "--quiet")
        source = _REQUIREMENTS / f"{system.name}.txt"
        _run(*pip, "--disable-pip-version-check", "--requirement", str(source))
        stamp.write_text(wanted)


@contextmanager
def work() -> Iterator[Path]:
    """An empty folder for one run, always at the same path. Another run in this checkout must wait."""
    BUILT.mkdir(exist_ok=True)
    with (BUILT / "lock").open("w") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        folder = BUILT / "work"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        yield folder


def python(system: System) -> str:
    """The Python that runs *system*. The bare view runs on the Django of this service."""
    if system in (BARE, OURS):
        return sys.executable
    return str(BUILT / system.name / "bin" / "python")


def variables(folder: Path, *, cheap_hash: bool) -> dict[str, str]:
    """
    The environment of a system's process, which keeps its files in *folder*.

    It is the same in every run: its length moves what Python allocates, and with it which names share
    a place in its caches.
    """
    return {
        "PATH": os.defpath,
        "PYTHONHASHSEED": "0",
        "BENCH_FOLDER": str(folder),
        "BENCH_DATABASE": str(folder / "db.sqlite3"),
        "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}",
        "CACHE_URL": "locmemcache://",
        "PUBLIC_URL": "http://127.0.0.1:8000",
        "SECRET_KEY": "for-measurements-only-and-long-enough-for-every-check-0123456789",
        "JWT_KEYS": _KEY,
        "JWT_ACCESS_LIFETIME": "3600",
        **({"BENCH_CHEAP_HASH": "1"} if cheap_hash else {}),
    }


def _run(*command: str) -> None:
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        sys.exit(f"bench: {' '.join(command)} failed:\n{done.stdout}")
