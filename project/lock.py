"""
Locks between processes in this folder: one sets up at a time, and one serves on each port.

They are on one file: its byte 0 stands for the set-up, byte N for port N. A POSIX lock stays with a
process that becomes another by ``exec`` and ends with it, however that ends. It would also end if the
process closed the file, so the file stays open.
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
    """Wait, and say so, while another process sets up."""
    if not _take(0):
        sys.stderr.write("Waiting for the set-up by another make in this folder\n")
        fcntl.lockf(_file(), fcntl.LOCK_EX, 1, 0)
    try:
        yield
    finally:
        fcntl.lockf(_file(), fcntl.LOCK_UN, 1, 0)


def take_port(port: int) -> bool:
    """Take *port* until this process ends, unless another process has taken it."""
    return _take(port)


def _take(byte: int) -> bool:
    try:
        fcntl.lockf(_file(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)
    except (BlockingIOError, PermissionError):  # either, by the system (POSIX, fcntl)
        return False
    return True


@cache
def _file() -> int:
    try:
        file = os.open(FILE, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        sys.exit(
            f"authapi: {FILE} cannot be opened ({error.strerror}). "
            "Make sure that you may write in this folder."
        )
    os.set_inheritable(file, True)
    return file
