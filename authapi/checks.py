"""
Deployment mistakes, found before the first request. Each says how to mend it.

    authapi.E001  JWT_KEYS holds no usable key ring
    authapi.E002  PUBLIC_URL is no URL, or is http:// on a host that is not this machine
    authapi.E003  a lifetime makes no sense
    authapi.E004  SECRET_KEY is short or well known
    authapi.E005  DEBUG is on in public
    authapi.E006  TRUSTED_PROXIES holds something that is no address or network
    authapi.E007  THROTTLE_RATES names what is not limited, or a rate that is none
    authapi.E008  CACHE_URL is a cache other than Redis
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured

from authapi import keys, throttling
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
    secret = settings.SECRET_KEY
    if len(secret) >= 50 and len(set(secret)) >= 5 and "insecure" not in secret:
        return []
    return [
        Error(
            "SECRET_KEY is short or well known.",
            hint="Set it to 50 random characters or more; make run writes such a one.",
            id="authapi.E004",
        )
    ]


@register()
def check_debug(**kwargs: Any) -> Sequence[CheckMessage]:
    if not settings.DEBUG or urlsplit(settings.PUBLIC_URL).scheme != "https":
        return []
    return [
        Error(
            "DEBUG is on, and PUBLIC_URL is for the public.",
            hint="Set DEBUG=0.",
            id="authapi.E005",
        )
    ]


@register()
def check_trusted_proxies(**kwargs: Any) -> Sequence[CheckMessage]:
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
