"""
Where limits are counted: in a store that all processes share, or in the memory of this process.

The shared store is Redis if ``CACHE_URL`` is set, otherwise the database. If Redis does not answer, the
limits are counted in the database, so an outage never allows more guesses.
"""

import hashlib
import time
from functools import cache
from threading import Lock

import redis
import structlog
from django.conf import settings
from django.db.models import F
from django.db.models.functions import Greatest

from authapi.limits.gcra import Rate
from authapi.models import Limit

_log = structlog.stdlib.get_logger("authapi.outage")

# A script runs atomically, so no other client can interfere.
_CONSUME = """
local at, interval, tolerance = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), at)
if full_at > at + tolerance then
    return string.format('%.6f', math.max(full_at - tolerance - at, 0.001))
end
full_at = full_at + interval
redis.call('SET', KEYS[1], string.format('%.6f', full_at), 'PX', math.ceil((full_at - at) * 1000))
return '0'
"""
_GIVE_BACK = """
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('INCRBYFLOAT', KEYS[1], ARGV[1]) end
return '0'
"""
_TIMEOUT = 0.5
# Seconds to wait before Redis is tried again after a failure.
_PAUSE = 5.0


def consume(key: str, rate: Rate, *, at: float) -> float:
    """
    Count an event and return 0, or refuse it and return ``retry_after``, in seconds.

    All processes share the count. Only a digest of the key is stored.

    Args:
        at: now, in seconds since the epoch.
    """
    arguments = (at, rate.interval, rate.tolerance)
    answer = _ask_redis("eval", _CONSUME, 1, _in_redis(key), *arguments)
    if answer is None:
        return _consume_in_database(digest_of(key), rate, at)
    return float(answer)


def give_back(key: str, rate: Rate) -> None:
    """Undo one ``consume``, because the event did not take place."""
    if _ask_redis("eval", _GIVE_BACK, 1, _in_redis(key), -rate.interval) is None:
        row = Limit.objects.filter(pk=digest_of(key))
        row.update(full_at=F("full_at") - rate.interval)


def digest_of(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def sweep(at: float) -> None:
    """
    Delete two rows of limits that are full again. Called for each new row, this keeps the table
    small.
    """
    over = Limit.objects.filter(full_at__lt=at)
    # The condition is repeated, because a row may be in use again since the inner selection.
    over.filter(pk__in=over.order_by("full_at").values("pk")[:2]).delete()


def _consume_in_database(digest: str, rate: Rate, at: float) -> float:
    """
    Decide with one conditional ``UPDATE`` on plain columns, so concurrent events cannot exceed the
    limit.

    A new key gets a row, and the next iteration counts in it.
    """
    row = Limit.objects.filter(pk=digest)
    latest = at + rate.tolerance
    while True:
        allowed = row.filter(full_at__lte=latest)
        if allowed.update(full_at=Greatest(F("full_at"), at) + rate.interval):
            return 0
        if refused := row.filter(full_at__gt=latest).first():
            return float(refused.full_at - latest)
        Limit.objects.bulk_create([Limit(digest, at)], ignore_conflicts=True)
        sweep(at)


class _Redis:
    """When Redis may be tried again, in monotonic seconds; 0 while it answers."""

    rests_until = 0.0


def _ask_redis(command: str, *arguments: object) -> bytes | None:
    """Return the answer of Redis, or None if Redis is not configured or does not answer."""
    default = settings.CACHES["default"]
    now = time.monotonic()
    if not default["BACKEND"].endswith("RedisCache") or now < _Redis.rests_until:
        return None
    if _Redis.rests_until:
        # After a failure, one request tries; the others do not wait for it.
        _Redis.rests_until = now + _PAUSE
    try:
        answer: bytes = getattr(_client(default["LOCATION"]), command)(*arguments)
    except redis.RedisError as error:
        _Redis.rests_until = now + _PAUSE
        _log.warning("redis_unavailable", error=str(error), instead="database")
        return None
    _Redis.rests_until = 0.0
    return answer


def _in_redis(key: str) -> str:
    return f"limit:{digest_of(key)}"


@cache
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(
        url, socket_timeout=_TIMEOUT, socket_connect_timeout=_TIMEOUT
    )


def consume_here(key: str, rate: Rate, *, at: float) -> float:
    """
    Like ``consume``, but counted in the memory of this process only.

    This is for limits that protect the service from load; it needs no query.
    """
    with _lock:
        full_at = max(_memory.get(key, 0), at)
        if full_at > at + rate.tolerance:
            return full_at - rate.tolerance - at
        if len(_memory) >= _SIZE and key not in _memory:
            _forget_half()
        _memory[key] = full_at + rate.interval
        return 0


def forget() -> None:
    """Reset the state of this process: its limits, and whether Redis failed."""
    with _lock:
        _memory.clear()
    _Redis.rests_until = 0.0


def _forget_half() -> None:
    """Drop the half of the keys whose limits are full again, or will be soonest."""
    for key in sorted(_memory, key=_memory.__getitem__)[: _SIZE // 2]:
        del _memory[key]


_memory: dict[str, float] = {}
_lock = Lock()
# A key takes about 100 bytes, so attackers can fill a few megabytes at most.
_SIZE = 20_000
