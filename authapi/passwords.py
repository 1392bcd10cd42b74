"""
Password hashing, and the limit on simultaneous hashes.

A hash occupies a core for about 30 ms. A process computes ``PASSWORD_HASHES_AT_ONCE`` hashes at a time.
``PASSWORD_LINE`` more requests can wait in a first-in, first-out queue, for at most ``PASSWORD_WAIT``
seconds. So many simultaneous logins do not block other requests, and twenty people who log in at the
same moment all succeed.
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
    """The queue of requests that wait to hash a password, first come, first served."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.hashing = 0
        self.waiting: deque[Event] = deque()

    def enter(self) -> None:
        """
        Wait until this thread may hash.

        Raises:
            Unavailable: the queue is full, or the wait was too long.
        """
        if self._take():
            return
        # Before it queues: a failure here must leave nobody in the queue.
        _let_go_of_connections()
        with self.lock:
            if len(self.waiting) >= settings.PASSWORD_LINE:
                raise Unavailable
            called = Event()
            self.waiting.append(called)
        self._call()
        if called.wait(settings.PASSWORD_WAIT):
            return
        with self.lock:
            # It may have been called since the timeout.
            if not called.is_set():  # pragma: no branch  # only a race
                self.waiting.remove(called)
                raise Unavailable

    def _take(self) -> bool:
        """Hash at once, if nobody waits and there is room."""
        with self.lock:
            free = not self.waiting and self.hashing < settings.PASSWORD_HASHES_AT_ONCE
            self.hashing += free
            return free

    def _call(self) -> None:
        """Let those who wait hash, as far as there is room."""
        with self.lock:
            while self.waiting and self.hashing < settings.PASSWORD_HASHES_AT_ONCE:
                self.hashing += 1
                self.waiting.popleft().set()

    def leave(self) -> None:
        """Make room for the first waiting thread."""
        with self.lock:
            self.hashing -= 1
        self._call()


_line = _Line()


@contextmanager
def turn() -> Iterator[None]:
    """
    Hold a permit to hash a password, and wait for it if necessary.

    Raises:
        Unavailable: the queue is full, or the wait was too long.
    """
    _line.enter()
    try:
        yield
    finally:
        _line.leave()


def load() -> tuple[int, int]:
    """Return how many passwords this process is hashing, and how many requests wait to hash one."""
    return _line.hashing, len(_line.waiting)


def _let_go_of_connections() -> None:
    """Close idle database connections, so that other threads can use them during the wait."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()
