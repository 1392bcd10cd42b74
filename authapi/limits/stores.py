"""
Where limits are counted: in a store that all processes share, or in the memory of this process.

The shared store is Redis if ``CACHE_URL`` is set, otherwise the database. If Redis does not answer, the
limits are counted in the database, so an outage never allows more guesses.
"""

import hashlib
import time
from collections.abc import Mapping
from functools import cache
from threading import Lock
from typing import Any

import redis
import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F

from authapi.limits.gcra import Rate
from authapi.models import Limit

_log = structlog.stdlib.get_logger("authapi.outage")

# A script runs atomically, so no other client can interfere.
_CONSUME = """
local at, longest, name = tonumber(ARGV[1]), 0, ''
local full_at = {}
for i, key in ipairs(KEYS) do
    local tolerance = tonumber(ARGV[2 * i + 1])
    full_at[i] = math.max(tonumber(redis.call('GET', key) or 0), at)
    if full_at[i] > at + tolerance then
        local wait = math.max(full_at[i] - tolerance - at, 0.001)
        if wait > longest then longest, name = wait, key end
    end
end
if longest > 0 then return {name, string.format('%.6f', longest)} end
for i, key in ipairs(KEYS) do
    local next_at = full_at[i] + tonumber(ARGV[2 * i])
    redis.call('SET', key, string.format('%.6f', next_at), 'PX', math.ceil((next_at - at) * 1000))
end
return {}
"""
_GIVE_BACK = """
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('INCRBYFLOAT', KEYS[1], ARGV[1]) end
return '0'
"""
# The same for one limit in the database. One statement on plain columns, so concurrent events cannot
# exceed the limit. It changes no row if the event is refused.
_CONSUME_SQL = """
INSERT INTO authapi_limit (digest, full_at) VALUES (%(digest)s, %(at)s + %(interval)s)
ON CONFLICT (digest) DO UPDATE SET full_at = %(interval)s
    + CASE WHEN authapi_limit.full_at > %(at)s THEN authapi_limit.full_at ELSE %(at)s END
WHERE authapi_limit.full_at <= %(latest)s
"""
_TIMEOUT = 0.5
# Seconds to wait before Redis is tried again after a failure.
_PAUSE = 5.0
# The least seconds between sweeps of a process, and how many rows one deletes: more than the logins of
# that time can add.
SWEEP_PAUSE = 1.0
_SWEPT = 500

Limits = Mapping[str, Rate]


def consume(limits: Limits, *, at: float) -> tuple[str, float] | None:
    """
    Count an event in all *limits* and return None, or in none of them if one refuses it.

    Then return the key of the limit that refuses it for longest, and ``retry_after``, in seconds. All
    processes share the counts. Only digests of the keys are stored.

    Args:
        limits: the rates by key.
        at: now, in seconds since the epoch.
    """
    keys = {_in_redis(key): key for key in limits}
    rates = [n for rate in limits.values() for n in (rate.interval, rate.tolerance)]
    answer = _ask_redis("eval", _CONSUME, len(keys), *keys, at, *rates)
    if answer is None:
        return _consume_in_database(limits, at)
    if not answer:
        return None
    key, retry_after = answer
    return keys[key.decode()], float(retry_after)


def give_back(limits: Limits) -> None:
    """Undo one ``consume``, because the event did not take place."""
    for key, rate in limits.items():
        if _ask_redis("eval", _GIVE_BACK, 1, _in_redis(key), -rate.interval) is None:
            row = Limit.objects.filter(pk=digest_of(key))
            row.update(full_at=F("full_at") - rate.interval)


def digest_of(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


class _Sweep:
    """When this process last swept, in seconds since the epoch."""

    last = 0.0


def sweep(at: float) -> None:
    """
    Delete some rows of limits that are full again, at most once a second.

    Called for each login, this keeps the table small. It must not depend on the login's account or
    address, because its duration would tell them.
    """
    with _lock:
        if 0 <= at - _Sweep.last < SWEEP_PAUSE:
            return
        _Sweep.last = at
    over = Limit.objects.filter(full_at__lt=at)
    # The condition is repeated, because a row may be in use again since the inner selection.
    over.filter(pk__in=over.order_by("full_at").values("pk")[:_SWEPT]).delete()


def _consume_in_database(limits: Limits, at: float) -> tuple[str, float] | None:
    latest = {key: at + rate.tolerance for key, rate in limits.items()}
    rows: list[dict[str, float | str]] = [
        {
            "digest": digest_of(key),
            "at": at,
            "interval": rate.interval,
            "latest": latest[key],
        }
        for key, rate in limits.items()
    ]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany(_CONSUME_SQL, rows)
        if cursor.rowcount == len(rows):
            return None
        transaction.set_rollback(True)
    full_at = Limit.objects.in_bulk([row["digest"] for row in rows])
    waits = {
        key: full_at[digest_of(key)].full_at - latest[key]
        for key in limits
        if digest_of(key) in full_at
    }
    key = max(waits, key=waits.__getitem__)
    return key, max(waits[key], 0.001)


class _Redis:
    """When Redis may be tried again, in monotonic seconds; 0 while it answers."""

    rests_until = 0.0


def _ask_redis(command: str, *arguments: object) -> Any:
    """Return the answer of Redis, or None if Redis is not configured or does not answer."""
    default = settings.CACHES["default"]
    now = time.monotonic()
    if not default["BACKEND"].endswith("RedisCache") or now < _Redis.rests_until:
        return None
    # After a failure, one request tries; the others do not wait for it.
    _Redis.rests_until = _Redis.rests_until and now + _PAUSE
    try:
        answer = getattr(_client(default["LOCATION"]), command)(*arguments)
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
    """Reset the state of this process: its limits, its last sweep, and whether Redis failed."""
    with _lock:
        _memory.clear()
    _Redis.rests_until = 0.0
    _Sweep.last = 0.0


def _forget_half() -> None:
    """Drop the half of the keys whose limits are full again, or will be soonest."""
    for key in sorted(_memory, key=_memory.__getitem__)[: _SIZE // 2]:
        del _memory[key]


_memory: dict[str, float] = {}
_lock = Lock()
# A key takes about 100 bytes, so attackers can fill a few megabytes at most.
_SIZE = 20_000
