"""
Locks between processes in this folder: one sets up at a time, and one serves on each port.

The locks are on one file: byte 0 is for the set-up, byte N for port N. A POSIX lock survives ``exec``,
and is released when the process ends, however it ends. It would also be released if the process closed
the file, so the file stays open.
"""

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

FILE = Path(__file__).resolve().parent.parent / ".lock"


@contextmanager
def set_up() -> Iterator[None]:
    """Hold the set-up lock. If another process holds it, say so and wait."""
    if not take(0):
        sys.stderr.write("Waiting for the set-up by another make in this folder\n")
        fcntl.lockf(_file(), fcntl.LOCK_EX, 1, 0)
    try:
        yield
    finally:
        fcntl.lockf(_file(), fcntl.LOCK_UN, 1, 0)


def take(byte: int) -> bool:
    """Lock *byte* until this process ends. Return False if another process has locked it."""
    try:
        fcntl.lockf(_file(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)
    except (BlockingIOError, PermissionError):  # which one depends on the system
        return False
    return True


@cache
def _file() -> int:
    try:
        file = os.open(FILE, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        sys.exit(
            f"authapi: {FILE} cannot be opened ({error.strerror}). "
            "Make sure that you can write to this folder."
        )
    os.set_inheritable(file, True)
    return file
