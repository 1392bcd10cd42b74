"""Where a request comes from: the device label of a session, the address behind our proxies."""

import ipaddress
import re
from collections.abc import Sequence
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest

from authapi.models import Session
from authapi.tokens.claims import Device

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_PORT = re.compile(r"^(\d[\d.]+|\[.+\]):\d+$")
_USER_AGENT_LENGTH = Session._meta.get_field("user_agent").max_length


def device(request: HttpRequest) -> Device:
    """What the request tells of its device: both are claims of the client, not facts."""
    user_agent = request.headers.get("User-Agent", "").replace("\0", "")
    return Device(user_agent[:_USER_AGENT_LENGTH], address(request))


def address(request: HttpRequest) -> str | None:
    """
    Return the client's IP address, or None where the server knows none (a Unix socket).

    ``X-Forwarded-For`` is read from its end, and believed as far as the addresses before it are
    ``TRUSTED_PROXIES``: what a client writes in front changes nothing.
    """
    trusted = trusted_proxies()
    hops = request.headers.get("X-Forwarded-For", "").split(",")
    hops = [*hops, request.META.get("REMOTE_ADDR", "")]
    found = None
    while hops and (hop := _ip(hops.pop())):
        found = hop
        if not any(hop in network for network in trusted):
            break
    return str(found) if found else None


def trusted_proxies() -> Sequence[Network]:
    """
    Return the networks whose ``X-Forwarded-For`` is believed.

    Raises:
        ValueError: an entry of ``TRUSTED_PROXIES`` is no address or network.
    """
    return _networks(tuple(settings.TRUSTED_PROXIES or ()))


@lru_cache(maxsize=4)
def _networks(texts: tuple[str, ...]) -> Sequence[Network]:
    return [ipaddress.ip_network(text.strip()) for text in texts]


def _ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    # A zone ("%eth0") says nothing outside its host, and databases do not take it. Some proxies add
    # the port.
    text = _PORT.sub(r"\1", text.strip()).strip("[]").partition("%")[0]
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
