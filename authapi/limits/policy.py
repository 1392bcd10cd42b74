"""
Which limits apply to which requests. The rates are DRF's ``DEFAULT_THROTTLE_RATES``.

Limits against password guessing, shared by all processes (``authapi.limits.stores``):

    login_address   attempts from one address at any account: slows down password spraying
    login_network   the same from an IPv6 /48, which contains 65,536 networks that count as addresses
    login_pair      attempts from one address at one account
    login_stranger  the same, if the account has never signed in from that address: no single address
                    can use up the limit of the account
    login_account   attempts at one account from anywhere: slows down guessing from many addresses

Limits that protect the service from load, counted in the memory of each process:

    refresh, verify, schema   requests from one address
    write                     writes by one user
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
    """A login attempt that has been counted."""

    counted: stores.Limits

    def give_back(self) -> None:
        """Undo the counting, because the service was too busy to check the password."""
        stores.give_back(self.counted)


def count_login(
    name: str, user: User | None, address: str | None, *, at: float
) -> Attempt:
    """
    Count a login attempt, before its password is checked.

    Successful attempts count too, so an attacker cannot reset a limit by logging in to their own
    account. Attempts that are refused here do not count.

    An address is known if the account has signed in from it with its current password. A known
    address has its own limit for the account, so an attacker elsewhere cannot lock the owner out.
    A known address takes the same work as any other, so timing reveals nothing.

    Args:
        name: normalized, so that all spellings of a name share a limit.
        user: the account with this name, if it exists.
        at: now, in seconds since the epoch.

    Raises:
        Throttled: a limit has been reached.
    """
    place = place_of(address)
    known = _is_known(user, place, at)
    apart = f"known {place} " if known else ""
    scopes = {
        f"login_address {place}": "login_address",
        f"login_network {_wide(address)}": "login_network",
        f"login_pair {place} {name}": "login_pair",
        # For a known address this is the same limit as the last.
        f"login_stranger {apart}{place} {name}": "login_pair"
        if known
        else "login_stranger",
        f"login_account {apart}{name}": "login_account",
    }
    limits = {key: rate(scope) for key, scope in scopes.items()}
    if refused := stores.consume(limits, at=at):
        key, retry_after = refused
        events.throttled.tell(scope=scopes[key], address=address)
        raise Throttled(retry_after)
    stores.sweep(at)
    return Attempt(limits)


def remember(user: User, address: str | None, *, at: float) -> None:
    """Remember for 90 days that the user signed in from *address* with the current password."""
    place = Limit(_known_as(user, place_of(address)), at + _REMEMBERED)
    Limit.objects.bulk_create(
        [place],
        update_conflicts=True,
        unique_fields=["digest"],
        update_fields=["full_at"],
    )


def rate(scope: str) -> Rate:
    """
    Return the rate of *scope*.

    Raises:
        ValueError: the rate is missing or invalid.
    """
    rates = api_settings.DEFAULT_THROTTLE_RATES
    if scope not in rates:
        raise ValueError(f"there is no {scope!r}")
    return Rate.parse(str(rates[scope]))


def place_of(address: str | None) -> str:
    """Return *address*, or its /64 if it is IPv6, because one client usually controls a whole /64."""
    return network(address, v4=32, v6=64)


def _wide(address: str | None) -> str:
    return network(address, v4=32, v6=48)


def _is_known(user: User | None, place: str, at: float) -> bool:
    """Whether the user recently signed in from *place* with the current password."""
    digest = _known_as(user or User(), place)
    return Limit.objects.filter(pk=digest, full_at__gt=at).exists()


def _known_as(user: User, place: str) -> str:
    return stores.digest_of(f"known {place} {user.pk} {user.password}")
