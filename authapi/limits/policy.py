"""
Who may ask how often. The rates are DRF's ``DEFAULT_THROTTLE_RATES``.

    login_pair      tries of one address at one account: guessing is slow
    login_stranger  the same, where the account was never signed in from that address: nobody uses
                    up the account's own limit alone
    login_address   tries of one address at any account: so is trying one password everywhere
    login_account   tries at one account from anywhere: so is guessing with many addresses
    refresh, verify, schema   requests of one address

Those of logins are against guessing, and are counted by all processes together, in Redis or the
database. The others protect a process's time, and are counted in its memory. An application's views
have both: ``SharedThrottle`` and ``LocalThrottle``. DRF's own classes work, too; they count in
Django's cache, which is Redis with ``CACHE_URL``, and else a memory of each process.
"""

import ipaddress
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from rest_framework.exceptions import APIException, Throttled
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import ScopedRateThrottle

from authapi import events
from authapi.errors import Unavailable
from authapi.http.address import address
from authapi.limits import gcra
from authapi.models import Throttle

_FOR_STRANGERS = {"login_stranger", "login_account"}
_REMEMBERED = 90 * 86400


def count_login(username: str, address: str | None, *, at: float) -> None:
    """
    Count a try to log in, before its password is looked at.

    It counts whether it will succeed or not, so that an account of one's own resets nothing. Where
    the account has been signed in from before, only the first and the address's limit hold: strangers
    who use up the account's do not lock the owner out.

    Args:
        username: as it is looked up, so that all its spellings are one.
        at: now, in seconds since the epoch.

    Raises:
        Throttled: it is one too many, of these limits.
    """
    place = _place(address)
    known = _known(username, place, at)
    for scope, key in (
        ("login_pair", f"{place} {username}"),
        ("login_stranger", f"{place} {username}"),
        ("login_address", place),
        ("login_account", username),
    ):
        # Who is known is counted everywhere, too: less work would tell.
        wait = gcra.wait(f"{scope} {key}", rate(scope), at=at)
        if wait and not (known and scope in _FOR_STRANGERS):
            raise _refusal(scope, wait, address)


def remember(username: str, address: str | None, *, at: float) -> None:
    """Remember for 90 days that the account has been signed in from there."""
    _, new = Throttle.objects.update_or_create(
        pk=_known_as(username, _place(address)), defaults={"new_at": at + _REMEMBERED}
    )
    if new:
        gcra.sweep(at)


def count_request(scope: str, request: HttpRequest) -> None:
    """
    Count a request of its address in *scope*.

    Raises:
        Throttled: it is one too many.
    """
    client = address(request)
    at = timezone.now().timestamp()
    if wait := gcra.wait_here(f"{scope} {_place(client)}", rate(scope), at=at):
        raise _refusal(scope, wait, client)


class LocalThrottle(ScopedRateThrottle):
    """
    Limits a view's requests at the rate of its ``throttle_scope``, in each process by itself.

    By user where one is signed in, else by address. For what only costs this process time: nothing
    but memory is asked. DRF's own ``ScopedRateThrottle`` would ask the cache.
    """

    refuses: tuple[type[APIException], ...] = (Throttled,)
    consume = staticmethod(gcra.wait_here)
    _wait = 0.0

    def allow_request(self, request: Request, view: Any) -> bool:
        scope = getattr(view, "throttle_scope", None)
        if not scope:
            return True
        client = address(request)
        user = request.user.pk if request.user else None
        key = f"user {user}" if user else _place(client)
        at = timezone.now().timestamp()
        self._wait = self.consume(f"{scope} {key}", rate(scope), at=at)
        if self._wait:
            events.throttled.tell(scope=scope, address=client)
        return not self._wait

    def wait(self) -> float:
        return self._wait


class SharedThrottle(LocalThrottle):
    """As ``LocalThrottle``, with one count over all processes and instances."""

    refuses = (Throttled, Unavailable)
    consume = staticmethod(gcra.wait)


def rate(scope: str) -> gcra.Rate:
    """
    Return the rate of *scope*.

    Raises:
        ValueError: it cannot be read, or there is none.
    """
    rates = api_settings.DEFAULT_THROTTLE_RATES
    if scope not in rates:
        raise ValueError(f"there is no {scope!r}")
    return gcra.Rate.parse(str(rates[scope]))


def _refusal(scope: str, wait: float, address: str | None) -> Throttled:
    events.throttled.tell(scope=scope, address=address)
    return Throttled(wait)


def _place(address: str | None) -> str:
    """The address, or the /64 of an IPv6 address: whoever has one of those has them all."""
    if address is None or ":" not in address:
        return str(address)
    return str(ipaddress.ip_network(f"{address}/64", strict=False))


def _known(username: str, place: str, at: float) -> bool:
    """Whether the account has been signed in from this place, of late."""
    return Throttle.objects.filter(
        pk=_known_as(username, place), new_at__gt=at
    ).exists()


def _known_as(username: str, place: str) -> str:
    return gcra.digest_of(f"known {place} {username}")
