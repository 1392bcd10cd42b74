"""Where a request comes from: the device label of a session, the address behind our proxies."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest

from authapi.claims import Device
from authapi.models import Session

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
    trusted = [ipaddress.ip_network(proxy) for proxy in settings.TRUSTED_PROXIES]
    hops = request.headers.get("X-Forwarded-For", "").split(",")
    hops = [*hops, request.META.get("REMOTE_ADDR", "")]
    found = None
    while hops and (address := _ip(hops.pop())):
        found = address
        if not any(address in network for network in trusted):
            break
    return str(found) if found else None


def _ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text.strip())
    except ValueError:
        return None
