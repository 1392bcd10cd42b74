"""How passwords are hashed, and that only so many are at once."""

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from threading import BoundedSemaphore, get_native_id

from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher

from authapi.errors import Unavailable

# Few threads wait, and not for long: the others have work that is no login.
WAITING = 8
_SECONDS = 1.0


class Argon2idHasher(Argon2PasswordHasher):
    """
    Argon2id with OWASP's minimum: 19 MiB, two passes, one lane.

    It works in threads of its own, to which the system prefers all others.
    """

    memory_cost = 19 * 1024
    time_cost = 2
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        return _threads().submit(super().encode, password, salt).result()

    def verify(self, password: str, encoded: str) -> bool:
        return _threads().submit(super().verify, password, encoded).result()


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(
        settings.PASSWORD_HASHES_AT_ONCE, "hashing", initializer=_step_back
    )


def _step_back() -> None:
    """Lower the priority of this thread alone, which Linux can."""
    if sys.platform == "linux":  # pragma: no branch  # coverage is measured there
        os.setpriority(os.PRIO_PROCESS, get_native_id(), 10)


@contextmanager
def turn() -> Iterator[None]:
    """
    Wait for the right to hash a password, which takes a core for its time.

    ``PASSWORD_HASHES_AT_ONCE`` have it at once in a process, so that a storm of logins leaves room
    for the other requests.

    Raises:
        Unavailable: too many wait already, or the wait was too long.
    """
    hashing, in_line = _semaphores(settings.PASSWORD_HASHES_AT_ONCE)
    if not in_line.acquire(blocking=False):
        raise Unavailable
    try:
        if not hashing.acquire(timeout=_SECONDS):
            raise Unavailable
        try:
            yield
        finally:
            hashing.release()
    finally:
        in_line.release()


@cache
def _semaphores(at_once: int) -> tuple[BoundedSemaphore, BoundedSemaphore]:
    return BoundedSemaphore(at_once), BoundedSemaphore(at_once + WAITING)
