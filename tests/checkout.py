"""A copy of the sources as after ``git clone``, and helpers to run programs in it."""

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from zipfile import ZipFile

from coverage import Coverage

from tests.server import ROOT

# The environment of a new shell, without the settings of the tests.
SHELL = {
    name: value
    for name, value in os.environ.items()
    if name
    not in {"SECRET_KEY", "JWT_KEYS", "PUBLIC_URL", "DATABASE_URL", "DEBUG", "CI"}
    | {"CACHE_URL", "DJANGO_SETTINGS_MODULE", "MAKEFLAGS", "MAKELEVEL"}
    and not name.startswith(("PIP_", "npm_config_"))
} | {"PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
# Nothing listens there, so connections are refused at once.
UNREACHABLE = "http://127.0.0.1:1/"


def copy(folder: Path) -> Path:
    """Copy the sources without generated files."""
    copied = folder / "checkout"
    shutil.copytree(
        ROOT,
        copied,
        ignore=lambda folder, names: [
            name
            for name in names
            if name.startswith((".", "db.sqlite3"))
            or name in {"node_modules", "staticfiles", "__pycache__"}
        ],
    )
    return copied


def pin_this_python(checkout: Path) -> dict[str, str]:
    """
    Let ``requirements.lock`` name one small package, which needs no network and no time.

    Once it is installed, a ``.venv`` finds all packages of the Python that runs the tests.
    """
    index = checkout.parent / "index"
    index.mkdir()
    wheel = index / "borrowed-1.0-py3-none-any.whl"
    about = "borrowed-1.0.dist-info"
    with ZipFile(wheel, "w") as file:
        file.writestr("borrowed.pth", sysconfig.get_path("purelib") + "\n")
        file.writestr(
            f"{about}/METADATA", "Metadata-Version: 2.1\nName: borrowed\nVersion: 1.0\n"
        )
        file.writestr(
            f"{about}/WHEEL",
            "Wheel-Version: 1.0\nGenerator: tests\n"
            "Root-Is-Purelib: true\nTag: py3-none-any\n",
        )
        file.writestr(f"{about}/RECORD", "")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    for lock in ("requirements.lock", "requirements-dev.lock"):
        (checkout / lock).write_text(f"borrowed==1.0 --hash=sha256:{digest}\n")
    return pinned(checkout)


def pinned(checkout: Path) -> dict[str, str]:
    """The environment in which pip finds the package that *checkout* names."""
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(checkout.parent / "index")}


def python(*arguments: str) -> list[str]:
    """The command that runs this Python, measured if this process is."""
    if not Coverage.current():
        return [sys.executable, *arguments]
    measured = ("-m", "coverage", "run", "--parallel-mode")
    return [sys.executable, *measured, f"--data-file={ROOT / '.coverage'}", *arguments]


def call(
    command: list[str], folder: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run *command* as in a new shell."""
    return subprocess.run(
        command,
        cwd=folder,
        env=SHELL | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
