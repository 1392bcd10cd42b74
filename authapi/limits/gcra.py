"""
The generic cell rate algorithm: how often something may happen, counted once for all processes.

A key remembers one moment, when it will be as good as new. An event moves that moment on by
``period / count``; an event that would move it further than a period away from now is refused. So
*count* events may come at once, then one each ``period / count``; unlike with a window, no edge lets
twice as many through.
"""

import hashlib
from dataclasses import dataclass
from functools import cache
from threading import Lock

import redis
from django.conf import settings
from django.db.models import F
from django.db.models.functions import Greatest

from authapi.errors import Unavailable
from authapi.models import Throttle

# As DRF's rates are written.
_PERIODS = {
    name: seconds
    for names, seconds in (
        ("s sec second", 1),
        ("m min minute", 60),
        ("h hour", 3600),
        ("d day", 86400),
    )
    for name in names.split()
}

# One step, so that no other client comes in between.
_SCRIPT = """
local at, interval, tolerance = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local new_at = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), at)
if new_at > at + tolerance then
    return string.format('%.6f', math.max(new_at - tolerance - at, 0.001))
end
new_at = new_at + interval
redis.call('SET', KEYS[1], string.format('%.6f', new_at), 'PX', math.ceil((new_at - at) * 1000))
return '0'
"""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many events in a period of so many seconds."""

    count: int
    period: int

    @classmethod
    def parse(cls, text: str) -> "Rate":
        """
        Read ``20/min``, as DRF does; the periods are sec, min, hour and day.

        Raises:
            ValueError: it is none.
        """
        count, _, period = text.partition("/")
        if not count.isdecimal() or int(count) < 1 or period not in _PERIODS:
            raise ValueError(f"{text!r} is not a rate such as 20/min")
        return cls(int(count), _PERIODS[period])

    @property
    def interval(self) -> float:
        """Seconds between events when they come evenly."""
        return self.period / self.count

    @property
    def tolerance(self) -> float:
        """Seconds that an event may come before its time."""
        return self.period - self.interval


def wait(key: str, rate: Rate, *, at: float) -> float:
    """
    Count an event and return 0, or refuse it and return the seconds until it may come.

    It is counted in Redis where ``CACHE_URL`` names one, else in the database: in either case by all
    processes together. The key itself is not kept, only its digest.

    Args:
        at: now, in seconds since the epoch.

    Raises:
        Unavailable: Redis does not answer.
    """
    digest = digest_of(key)
    default = settings.CACHES["default"]
    if default["BACKEND"].endswith("RedisCache"):
        return _wait_in_redis(default["LOCATION"], digest, rate, at)
    return _wait_in_database(digest, rate, at)


def wait_here(key: str, rate: Rate, *, at: float) -> float:
    """
    As ``wait``, counted by this process alone, in its memory.

    For limits that protect the process's own time: they cost no query.
    """
    with _memory_lock:
        new_at = max(_memory.get(key, 0), at)
        if new_at > at + rate.tolerance:
            return new_at - rate.tolerance - at
        if len(_memory) >= _MEMORY_SIZE and key not in _memory:
            _forget_half()
        _memory[key] = new_at + rate.interval
        return 0


def forget() -> None:
    """Forget what this process has counted."""
    with _memory_lock:
        _memory.clear()


def _forget_half() -> None:
    """Drop the half of the keys that are nearest to their full limit, or have it already."""
    for key in sorted(_memory, key=_memory.__getitem__)[: _MEMORY_SIZE // 2]:
        del _memory[key]


_memory: dict[str, float] = {}
_memory_lock = Lock()
# Keys of some 100 bytes each: a network of attackers cannot fill more than a few megabytes.
_MEMORY_SIZE = 20_000


def digest_of(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _wait_in_database(digest: str, rate: Rate, at: float) -> float:
    """
    Decide by one conditional ``UPDATE`` on plain columns: of rivals at the limit one gets in.

    A key that is new gets a row, and the next turn of the loop counts in it. Who is refused writes
    nothing: a flood costs reads.
    """
    row = Throttle.objects.filter(pk=digest)
    latest = at + rate.tolerance
    allowed = row.filter(new_at__lte=latest)
    while not (refused := row.filter(new_at__gt=latest).first()):
        if allowed.update(new_at=Greatest(F("new_at"), at) + rate.interval):
            return 0
        new = Throttle(pk=digest, new_at=at)
        Throttle.objects.bulk_create([new], ignore_conflicts=True)
        sweep(at)
    return float(refused.new_at - latest)


def sweep(at: float) -> None:
    """Delete two rows that say nothing any more: a new row pays for the old ones."""
    over = Throttle.objects.filter(new_at__lt=at)
    # The condition again, since a row may have come back to life between the two selections.
    over.filter(pk__in=over.order_by("new_at").values("pk")[:2]).delete()


def _wait_in_redis(url: str, digest: str, rate: Rate, at: float) -> float:
    arguments = (at, rate.interval, rate.tolerance)
    try:
        return float(_redis(url).eval(_SCRIPT, 1, f"throttle:{digest}", *arguments))
    except redis.RedisError as error:
        raise Unavailable from error


@cache
def _redis(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5)
