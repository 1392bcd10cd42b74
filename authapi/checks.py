"""
Deployment mistakes, found before the first request. Each says how to mend it.

    authapi.E001  JWT_KEYS holds no usable key ring
    authapi.E002  PUBLIC_URL is no URL, or is http:// on a host that is not this machine
    authapi.E003  a lifetime makes no sense
    authapi.E004  SECRET_KEY is short, well known, or used elsewhere
    authapi.E005  DEBUG is on in public
    authapi.E006  TRUSTED_PROXIES holds something that is no address or network
    authapi.E007  THROTTLE_RATES names what is not limited, or a rate that is none
    authapi.E008  CACHE_URL is a cache other than Redis
    authapi.E009  ALLOWED_HOSTS or CORS_ALLOWED_ORIGINS lets everybody in
    authapi.E010  a file with secrets can be read by every user of the machine
    authapi.E011  the demo user is there, in public
    authapi.E012  PUBLIC_URL is https://, and nothing is said of the proxy before it
    authapi.E013  PASSWORD_HASHES_AT_ONCE leaves no thread for other requests
"""

import ipaddress
import os
import re
import stat
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError

from authapi import demo, keys, throttling
from authapi.device import trusted_proxies


@register()
def check_keys(**kwargs: Any) -> list[CheckMessage]:
    try:
        keys.ring()
    except ImproperlyConfigured as error:
        return [Error(str(error), id="authapi.E001")]
    return []


@register()
def check_public_url(**kwargs: Any) -> Sequence[CheckMessage]:
    url = urlsplit(settings.PUBLIC_URL)
    local = url.hostname in {"127.0.0.1", "localhost", "::1"}
    if url.hostname and (url.scheme == "https" or (url.scheme == "http" and local)):
        return []
    return [
        Error(
            f"PUBLIC_URL is {settings.PUBLIC_URL!r}.",
            hint="Set it to the https:// address that clients use.",
            id="authapi.E002",
        )
    ]


@register()
def check_lifetimes(**kwargs: Any) -> Sequence[CheckMessage]:
    access, refresh, session = (
        settings.JWT_ACCESS_LIFETIME,
        settings.JWT_REFRESH_LIFETIME,
        settings.SESSION_LIFETIME,
    )
    if access.total_seconds() > 0 and access <= refresh <= session:
        return []
    return [
        Error(
            "The lifetimes of access token, refresh token and session do not grow in this order.",
            hint="Set JWT_ACCESS_LIFETIME, JWT_REFRESH_LIFETIME and JWT_SESSION_LIFETIME (seconds).",
            id="authapi.E003",
        )
    ]


@register()
def check_secret_key(**kwargs: Any) -> Sequence[CheckMessage]:
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    password = settings.DATABASES["default"].get("PASSWORD")
    if len({*secrets, password}) > len(secrets) and all(map(_is_secret, secrets)):
        return []
    return [
        Error(
            "SECRET_KEY, or one of SECRET_KEY_FALLBACKS, is short, well known, or used elsewhere.",
            hint="Set it to 50 random characters or more; make run writes such a one.",
            id="authapi.E004",
        )
    ]


def _is_secret(text: str) -> bool:
    return len(text) >= 50 and len(set(text)) >= 5 and "insecure" not in text


@register()
def check_debug(**kwargs: Any) -> Sequence[CheckMessage]:
    if not (settings.DEBUG and _is_public()):
        return []
    return [
        Error(
            "DEBUG is on, and the service is for the public, by PUBLIC_URL or the host it binds.",
            hint="Set DEBUG=0, or bind 127.0.0.1.",
            id="authapi.E005",
        )
    ]


def _is_public() -> bool:
    """Whether others than this machine are meant to reach the service, or can."""
    https = urlsplit(settings.PUBLIC_URL).scheme == "https"
    return https or not all(map(_is_local, _bound_to()))


def _bound_to() -> Iterator[str]:
    """The hosts that the command line or Granian's environment says to listen on."""
    yield os.environ.get("GRANIAN_HOST", "localhost")
    for word, following in pairwise([*sys.argv[1:], ""]):
        if word == "--host":
            yield following
        elif word.startswith("--host="):
            yield word.partition("=")[2]
        elif "runserver" in sys.argv and re.fullmatch(r"\S+:\d+", word):
            yield word.rpartition(":")[0].strip("[]")


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@register()
def check_trusted_proxies(**kwargs: Any) -> Sequence[CheckMessage]:
    https = urlsplit(settings.PUBLIC_URL).scheme == "https"
    if https and settings.TRUSTED_PROXIES is None:
        return [
            Error(
                "TRUSTED_PROXIES is not set: all clients of a proxy would share one address's limits.",
                hint="Name the addresses of the proxy, or set it to nothing where there is none.",
                id="authapi.E012",
            )
        ]
    try:
        trusted_proxies()
    except ValueError as error:
        return [
            Error(
                f"TRUSTED_PROXIES: {error}.",
                hint="Give addresses or networks, with commas between: 10.0.0.0/8,192.0.2.7",
                id="authapi.E006",
            )
        ]
    return []


@register()
def check_throttle_rates(**kwargs: Any) -> Sequence[CheckMessage]:
    try:
        for scope in settings.THROTTLE_RATES:
            throttling.rate(scope)
    except ValueError as error:
        return [
            Error(
                f"THROTTLE_RATES: {error}.",
                hint=f"Give some of {', '.join(throttling.SCOPES)}, as in verify=900/min",
                id="authapi.E007",
            )
        ]
    return []


@register()
def check_cache(**kwargs: Any) -> Sequence[CheckMessage]:
    default = settings.CACHES["default"]
    in_redis = default["BACKEND"].endswith("RedisCache") and isinstance(
        default["LOCATION"], str
    )
    # Without CACHE_URL Django has a cache per process. Nothing is counted in it.
    if in_redis or default["BACKEND"].endswith("LocMemCache"):
        return []
    return [
        Error(
            "CACHE_URL is not one Redis, in which all processes count together.",
            hint="Set it to rediscache://host:6379/0, or leave it out: the database counts.",
            id="authapi.E008",
        )
    ]


@register()
def check_wildcards(**kwargs: Any) -> Sequence[CheckMessage]:
    if "*" not in settings.ALLOWED_HOSTS and not {"*", "null"} & {
        *settings.CORS_ALLOWED_ORIGINS
    }:
        return []
    return [
        Error(
            "ALLOWED_HOSTS or CORS_ALLOWED_ORIGINS lets everybody in.",
            hint="Name the hosts (api.example.com) and origins (https://app.example.com).",
            id="authapi.E009",
        )
    ]


@register()
def check_secret_files(**kwargs: Any) -> Sequence[CheckMessage]:
    return [
        Error(
            f"{path} holds secrets, and every user of this machine can read it.",
            hint="chmod o-r, or mode 0400 where an orchestrator mounts it.",
            id="authapi.E010",
        )
        for path in (Path(name) for name in settings.SECRET_FILES)
        if path.exists() and path.stat().st_mode & stat.S_IROTH
    ]


@register(Tags.database)
def check_demo_user(
    databases: Sequence[str] | None = None, **kwargs: Any
) -> Sequence[CheckMessage]:
    if not databases:
        return []
    try:
        safe = not _is_public() or not demo.lets_in()
    except DatabaseError:  # not there, or not migrated: /health/ready/ tells
        return []
    if safe:
        return []
    return [
        Error(
            "The demo user is there, whose password everybody knows.",
            hint="Delete it, or give it another password: manage.py changepassword demo",
            id="authapi.E011",
        )
    ]


@register()
def check_hashes_at_once(**kwargs: Any) -> Sequence[CheckMessage]:
    if 1 <= settings.PASSWORD_HASHES_AT_ONCE <= 8:
        return []
    return [
        Error(
            f"PASSWORD_HASHES_AT_ONCE is {settings.PASSWORD_HASHES_AT_ONCE}.",
            hint="Give a number from 1 to 8; more cores are used by more workers.",
            id="authapi.E013",
        )
    ]
