"""
How often somebody may try. The rates are DRF's ``DEFAULT_THROTTLE_RATES``.

Against guessing, counted by all processes together (``authapi.limits.stores``):

    login_address   tries of one address at any account: one password everywhere is slow
    login_network   the same of an IPv6 /48, whose owner has 65,536 of what counts as an address
    login_pair      tries of one address at one account
    login_stranger  the same, where the account was never signed in from that address: nobody uses
                    up the account's own limit alone
    login_account   tries at one account from anywhere: guessing with many addresses is slow

To protect a process's own time, counted in its memory:

    refresh, verify, schema   requests of one address
    write                     changes by one user
"""

from dataclasses import dataclass

from rest_framework.exceptions import Throttled
from rest_framework.settings import api_settings

from authapi import events
from authapi.client import network
from authapi.limits import stores
from authapi.limits.gcra import Rate
from authapi.models import Limit, User

_REMEMBERED = 90 * 86400


@dataclass(frozen=True, slots=True)
class Attempt:
    """A try to log in that has been counted."""

    counted: tuple[tuple[str, Rate], ...]

    def give_back(self) -> None:
        """Count it as if it had not been: the service could not look at the password."""
        for key, rate in self.counted:
            stores.give_back(key, rate)


def count_login(
    name: str, user: User | None, address: str | None, *, at: float
) -> Attempt:
    """
    Count a try to log in, before its password is looked at.

    It counts whether it will succeed or not, so that an account of one's own resets nothing; one that
    is refused here does not. An address from which the account has been signed in, with the password
    that it has now, is no stranger and has the account's limit to itself: whoever uses that up
    elsewhere does not lock the owner out. It is counted as often as a stranger, so that the time taken
    tells nothing.

    Args:
        name: as it is looked up, so that all its spellings are one.
        user: the account that the name means.
        at: now, in seconds since the epoch.

    Raises:
        Throttled: it is one too many.
    """
    place = place_of(address)
    known = _is_known(user, place, at)
    apart = f"known {place} " if known else ""
    counted: list[tuple[str, Rate]] = []
    for scope, key in (
        ("login_address", place),
        ("login_network", _wide(address)),
        ("login_pair", f"{place} {name}"),
        ("login_stranger", f"{apart}{place} {name}"),
        ("login_account", f"{apart}{name}"),
    ):
        limit = f"{scope} {key}", rate(scope)
        retry_after = stores.consume(*limit, at=at)
        if known and scope == "login_stranger":
            retry_after = 0
        elif retry_after:
            Attempt(tuple(counted)).give_back()
            break
        counted.append(limit)
    if retry_after:
        events.throttled.tell(scope=scope, address=address)
        raise Throttled(retry_after)
    return Attempt(tuple(counted))


def remember(user: User, address: str | None, *, at: float) -> None:
    """Remember for 90 days that the account has been signed in from there, with this password."""
    _, new = Limit.objects.update_or_create(
        pk=_known_as(user, place_of(address)), defaults={"full_at": at + _REMEMBERED}
    )
    if new:
        stores.sweep(at)


def rate(scope: str) -> Rate:
    """
    Return the rate of *scope*.

    Raises:
        ValueError: it cannot be read, or there is none.
    """
    rates = api_settings.DEFAULT_THROTTLE_RATES
    if scope not in rates:
        raise ValueError(f"there is no {scope!r}")
    return Rate.parse(str(rates[scope]))


def place_of(address: str | None) -> str:
    """The address, or the /64 of an IPv6 address: whoever has one of those has them all."""
    return network(address, v4=32, v6=64)


def _wide(address: str | None) -> str:
    return network(address, v4=32, v6=48)


def _is_known(user: User | None, place: str, at: float) -> bool:
    """Whether the account has been signed in from this place, of late, with its present password."""
    digest = _known_as(user or User(), place)
    return Limit.objects.filter(pk=digest, full_at__gt=at).exists()


def _known_as(user: User, place: str) -> str:
    return stores.digest_of(f"known {place} {user.pk} {user.password}")
