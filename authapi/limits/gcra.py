"""
The generic cell rate algorithm (GCRA), which limits how often something may happen.

For each key, one time is stored: when its limit will be full again. Each event moves this time forward
by ``period / count``. An event that would move it more than a period into the future is refused. So
*count* events can happen at once, then one every ``period / count``. Unlike with a fixed window, twice
as many can never get through at a boundary. ``authapi.limits.stores`` stores the times.
"""

from dataclasses import dataclass

# The periods of DRF's rates.
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


@dataclass(frozen=True, slots=True)
class Rate:
    """*count* events in a period of *period* seconds."""

    count: int
    period: int

    @classmethod
    def parse(cls, text: str) -> "Rate":
        """
        Parse a rate such as ``20/min``, like DRF. The periods are sec, min, hour and day.

        Raises:
            ValueError: *text* is not a valid rate.
        """
        count, _, period = text.partition("/")
        if not count.isdecimal() or int(count) < 1 or period not in _PERIODS:
            raise ValueError(f"{text!r} is not a rate such as 20/min")
        return cls(int(count), _PERIODS[period])

    @property
    def interval(self) -> float:
        """Seconds between events that are evenly spaced."""
        return self.period / self.count

    @property
    def tolerance(self) -> float:
        """How many seconds early an event may come."""
        return self.period - self.interval
