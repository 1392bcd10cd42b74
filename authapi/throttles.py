"""
DRF throttles that count with ``authapi.limits``.

``LocalThrottle`` protects the service from load and needs no query. ``SharedThrottle`` is for limits
that
must hold across all processes and instances. Both use the rate of the view's ``throttle_scope``, and
count by user if one is signed in, otherwise by address. DRF's own classes also work. They count in
Django's cache, which is Redis if ``CACHE_URL`` is set, and otherwise the memory of each process.
"""

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.throttling import ScopedRateThrottle

from authapi import events
from authapi.http.address import address
from authapi.limits import policy, stores
from authapi.limits.gcra import Rate


class LocalThrottle(ScopedRateThrottle):
    """DRF's ``ScopedRateThrottle``, counted in the memory of each process."""

    _retry_after = 0.0

    def allow_request(self, request: Request, view: Any) -> bool:
        scope = getattr(view, "throttle_scope", None)
        if not scope:
            return True
        client = address(request)
        user = request.user.pk if request.user else None
        key = f"user {user}" if user else policy.place_of(client)
        at = timezone.now().timestamp()
        self._retry_after = self._consume(f"{scope} {key}", policy.rate(scope), at)
        if self._retry_after:
            events.throttled.tell(scope=scope, address=client)
        return not self._retry_after

    def wait(self) -> float:
        return self._retry_after

    def _consume(self, key: str, rate: Rate, at: float) -> float:
        return stores.consume_here(key, rate, at=at)


class SharedThrottle(LocalThrottle):
    """Like ``LocalThrottle``, but shared by all processes and instances."""

    def _consume(self, key: str, rate: Rate, at: float) -> float:
        refused = stores.consume({key: rate}, at=at)
        return refused[1] if refused else 0.0


def count_request(scope: str, request: HttpRequest) -> None:
    """
    Count a request to a plain view, by address, in the memory of this process.

    Raises:
        Throttled: the limit has been reached.
    """
    client = address(request)
    key = f"{scope} {policy.place_of(client)}"
    at = timezone.now().timestamp()
    if retry_after := stores.consume_here(key, policy.rate(scope), at=at):
        events.throttled.tell(scope=scope, address=client)
        raise Throttled(retry_after)
