"""Programs and libraries that tests need beside Python: without one, a test is left out, but not in CI."""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

# Debian keeps some programs outside of PATH.
PLACES = [*map(str, Path("/usr/lib/postgresql").glob("*/bin")), "/usr/sbin"]


def program(name: str, package: str | None = None) -> str:
    """
    Return the path of a program.

    Args:
        package: Debian's package, if it has another name.
    """
    found = shutil.which(name, path=os.pathsep.join([os.environ["PATH"], *PLACES]))
    return found or lacking(name, f"on Debian: apt-get install {package or name}")


def library(pattern: str, package: str) -> str:
    """Return the path of a shared library of Debian."""
    found = next(Path("/usr/lib").glob(pattern), None)
    return str(found or lacking(pattern, f"on Debian: apt-get install {package}"))


def lacking(name: str, remedy: str) -> NoReturn:
    """Skip this test and say why. In CI, which has everything, it fails."""
    message = f"no {name} here; {remedy}"
    if "CI" in os.environ:
        pytest.fail(message)
    pytest.skip(message)
