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
    found = None
    hops = request.headers.get("X-Forwarded-For", "").split(",")
    for hop in [request.META.get("REMOTE_ADDR", ""), *reversed(hops)]:
        try:
            found = ipaddress.ip_address(hop.strip())
        except ValueError:
            break
        if not any(found in network for network in trusted):
            break
    return str(found) if found else None
