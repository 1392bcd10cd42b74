"""
How passwords are hashed, and that only so many are at once.

A hash takes a core for some 30 ms. ``PASSWORD_HASHES_AT_ONCE`` run at once in a process, and
``PASSWORD_LINE`` requests wait for them, ``PASSWORD_WAIT`` seconds at most, in the order in which they
came: a storm of logins leaves room
for the other requests, and twenty people who log in at the same moment are all let in.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Lock

from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import connections

from authapi.errors import Unavailable


class Argon2idHasher(Argon2PasswordHasher):
    """Argon2id with OWASP's minimum: 19 MiB, two passes, one lane."""

    memory_cost = 19 * 1024
    time_cost = 2
    parallelism = 1


class _Line:
    """Who hashes, and who waits for it, first come first served."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.hashing = 0
        self.waiting: deque[Event] = deque()

    def enter(self) -> None:
        """
        Return when it is this thread's turn.

        Raises:
            Unavailable: the line is full, or the wait was too long.
        """
        with self.lock:
            if self.hashing < settings.PASSWORD_HASHES_AT_ONCE:
                self.hashing += 1
                return
            if len(self.waiting) >= settings.PASSWORD_LINE:
                raise Unavailable
            called = Event()
            self.waiting.append(called)
        _let_go_of_connections()
        if called.wait(settings.PASSWORD_WAIT):
            return
        with self.lock:
            # It may have been called just now.
            if not called.is_set():  # pragma: no branch
                self.waiting.remove(called)
                raise Unavailable

    def leave(self) -> None:
        """Give the turn to the first who waits."""
        with self.lock:
            if self.waiting:
                self.waiting.popleft().set()
            else:
                self.hashing -= 1


_line = _Line()


@contextmanager
def turn() -> Iterator[None]:
    """
    Wait for the right to hash a password.

    Raises:
        Unavailable: too many wait already, or the wait was too long.
    """
    _line.enter()
    try:
        yield
    finally:
        _line.leave()


def _let_go_of_connections() -> None:
    """Others may use the database while this thread waits."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()
