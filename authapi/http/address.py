"""Where a request comes from: its client, and the client address behind trusted proxies."""

import ipaddress
import re
from collections.abc import Callable, Sequence
from functools import cache, lru_cache

import structlog
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from authapi.client import Client
from authapi.models import Session

_log = structlog.stdlib.get_logger("authapi")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_PORT = re.compile(r"^(\d[\d.]+|\[.+\]):\d+$")
_USER_AGENT_LENGTH = Session._meta.get_field("user_agent").max_length


def client_of(request: HttpRequest | Request) -> Client:
    """Return the user agent, which the client can choose, and the address of the sender."""
    user_agent = request.headers.get("User-Agent", "").replace("\0", "")
    return Client(user_agent[:_USER_AGENT_LENGTH], address(request))


def address(request: HttpRequest | Request) -> str | None:
    """Return the client's IP address, or None if it is unknown (on a Unix socket)."""
    return request.META.get("REMOTE_ADDR") or None


def forwarded_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """
    Put the client's address into ``REMOTE_ADDR``, where Django, DRF and applications look for it.

    ``X-Forwarded-For`` is read from its end, and only past addresses in ``TRUSTED_PROXIES``. Entries
    that a client puts in front have no effect. From any other peer, no ``X-Forwarded-`` header and no
    ``X-Request-ID`` is used.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        meta, trusted = request.META, trusted_proxies()
        hops = meta.pop("HTTP_X_FORWARDED_FOR", "").split(",")
        peer = found = _ip(meta.get("REMOTE_ADDR", ""))
        while found and any(found in network for network in trusted):
            nearer = _ip(hops.pop()) if hops else None
            if not nearer:
                break
            found = nearer
        if not (peer and any(peer in network for network in trusted)):
            meta.pop("HTTP_X_REQUEST_ID", None)
            proto = meta.pop("HTTP_X_FORWARDED_PROTO", None)
            if proto and settings.TRUSTED_PROXIES is None:
                _warn_of_a_proxy()
        meta["REMOTE_ADDR"] = str(found) if found else ""
        return get_response(request)

    return middleware


@cache
def _warn_of_a_proxy() -> None:
    """Warn once that there is a proxy and ``TRUSTED_PROXIES`` is not set."""
    _log.warning(
        "forwarded_headers_ignored",
        hint="Set PUBLIC_URL to the address of the proxy, and TRUSTED_PROXIES to its own.",
    )


def trusted_proxies() -> Sequence[Network]:
    """
    Return the networks whose ``X-Forwarded-For`` is trusted.

    Raises:
        ValueError: an entry of ``TRUSTED_PROXIES`` is not an address or network.
    """
    return _networks(tuple(settings.TRUSTED_PROXIES or ()))


@lru_cache(maxsize=4)
def _networks(texts: tuple[str, ...]) -> Sequence[Network]:
    return [ipaddress.ip_network(text.strip()) for text in texts]


@lru_cache(maxsize=1024)
def _ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    # A zone ("%eth0") has no meaning outside its host, and databases reject it. Some proxies add the
    # port.
    text = _PORT.sub(r"\1", text.strip()).strip("[]").partition("%")[0]
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
