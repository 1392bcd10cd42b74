"""
The generic cell rate algorithm: how often something may happen.

A key remembers one moment, when its limit will be full again. An event moves that moment on by
``period / count``; an event that would move it further than a period away from now is refused. So
*count* events may come at once, then one each ``period / count``; unlike with a window, no edge lets
twice as many through. ``authapi.limits.stores`` keeps the moments.
"""

from dataclasses import dataclass

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
            ValueError: it is not a rate.
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
