"""How passwords are hashed, and that only so many are at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher

from authapi.errors import Unavailable

# Few threads wait, and not for long: the others have work that is no login.
_WAITING = 8
_SECONDS = 1.0

_hashing = BoundedSemaphore(settings.PASSWORD_HASHES_AT_ONCE)
_in_line = BoundedSemaphore(settings.PASSWORD_HASHES_AT_ONCE + _WAITING)


class Argon2idHasher(Argon2PasswordHasher):
    """
    Argon2id with OWASP's minimum: 19 MiB, two passes, one lane.

    Each hash takes a core for its time. Only so many run at once in a process, so that a storm of
    logins leaves room for the other requests.

    Raises:
        Unavailable: (from ``encode`` and ``verify``) too many passwords are being hashed.
    """

    memory_cost = 19 * 1024
    time_cost = 2
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        with _turn():
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        with _turn():
            return super().verify(password, encoded)


@contextmanager
def _turn() -> Iterator[None]:
    if not _in_line.acquire(blocking=False):
        raise Unavailable
    try:
        if not _hashing.acquire(timeout=_SECONDS):
            raise Unavailable
        try:
            yield
        finally:
            _hashing.release()
    finally:
        _in_line.release()
