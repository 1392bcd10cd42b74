"""
Deployment mistakes, found before the first request. Each says how to fix it.

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
    authapi.E013  SERVER_THREADS leaves no thread for one kind of work, or is more than can run
    authapi.E014  ACCESS_TOKEN_CLAIMS names a claim of ours, or a function that cannot be imported
    authapi.E015  JWT_AUDIENCE is empty
    authapi.E016  the database or Redis is on another host, without TLS
"""

import ipaddress
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError
from django.utils.module_loading import import_string
from rest_framework.settings import api_settings
from rest_framework_simplejwt import settings as simplejwt

from authapi import demo
from authapi.http.address import trusted_proxies
from authapi.limits import policy
from authapi.tokens import codec, keys

# What is wrong, and how to fix it, by the number of the mistake.
Mistakes = Iterator[tuple[int, str, str]]


def _check(
    *tags: str,
) -> Callable[[Callable[[], Mistakes]], Callable[..., list[Error]]]:
    """Register a function that yields mistakes as one of Django's checks."""

    def registered(find: Callable[[], Mistakes]) -> Callable[..., list[Error]]:
        @register(*tags)
        def check(databases: Any = None, **kwargs: Any) -> list[Error]:
            if Tags.database in tags and not databases:
                return []
            return [
                Error(message, hint=hint, id=f"authapi.E{number:03}")
                for number, message, hint in find()
            ]

        return check

    return registered


@_check()
def check_keys() -> Mistakes:
    try:
        keys.ring()
    except ImproperlyConfigured as error:
        yield 1, str(error), "manage.py newkey prints a key."


@_check()
def check_public_url() -> Mistakes:
    url = urlsplit(settings.PUBLIC_URL)
    local = url.hostname in {"127.0.0.1", "localhost", "::1"}
    safe = url.scheme == "https" or (url.scheme == "http" and local)
    if not (url.hostname and safe):
        yield (
            2,
            f"PUBLIC_URL is {settings.PUBLIC_URL!r}.",
            "Set it to the https:// address that clients use.",
        )


@_check()
def check_lifetimes() -> Mistakes:
    access, refresh, session = (
        simplejwt.api_settings.ACCESS_TOKEN_LIFETIME,
        simplejwt.api_settings.REFRESH_TOKEN_LIFETIME,
        settings.SESSION_LIFETIME,
    )
    if not (access.total_seconds() > 0 and access <= refresh <= session):
        yield (
            3,
            "The lifetimes of access token, refresh token and session do not grow in this order.",
            "Set JWT_ACCESS_LIFETIME, JWT_REFRESH_LIFETIME and JWT_SESSION_LIFETIME (seconds).",
        )
    for name, lifetime, most in (
        ("JWT_ACCESS_LIFETIME", access, timedelta(hours=1)),
        ("JWT_SESSION_LIFETIME", session, timedelta(days=400)),
    ):
        if lifetime > most:
            yield (
                3,
                f"{name} is {lifetime}: a stolen token would be good for as long.",
                f"Give at most {int(most.total_seconds())} seconds.",
            )


@_check()
def check_audience() -> Mistakes:
    if not simplejwt.api_settings.AUDIENCE:
        yield (
            15,
            "JWT_AUDIENCE is empty: another service's tokens would be told from ours by the key alone.",
            "Leave it out, which means PUBLIC_URL, or name the service.",
        )


@_check()
def check_secret_key() -> Mistakes:
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    password = settings.DATABASES["default"].get("PASSWORD")
    apart = len({*secrets, password}) > len(secrets)
    if not (apart and all(map(_is_secret, secrets))):
        yield (
            4,
            "SECRET_KEY, or one of SECRET_KEY_FALLBACKS, is short, well known, or used elsewhere.",
            "Set it to 50 random characters or more; make run writes such a one.",
        )


def _is_secret(text: str) -> bool:
    return len(text) >= 50 and len(set(text)) >= 5 and "insecure" not in text


@_check()
def check_debug() -> Mistakes:
    if settings.DEBUG and _is_public():
        yield (
            5,
            "DEBUG is on, and PUBLIC_URL is not an address of this machine.",
            "Set DEBUG=0, or PUBLIC_URL to http://127.0.0.1:8000.",
        )


def _is_public() -> bool:
    """Whether others than this machine are meant to reach the service."""
    return not _is_local(urlsplit(settings.PUBLIC_URL).hostname or "")


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@_check()
def check_trusted_proxies() -> Mistakes:
    https = urlsplit(settings.PUBLIC_URL).scheme == "https"
    if https and settings.TRUSTED_PROXIES is None:
        yield (
            12,
            "TRUSTED_PROXIES is not set: all clients of a proxy would share one address's limits.",
            "Name the addresses of the proxy, or set it to nothing where there is none.",
        )
    try:
        networks = trusted_proxies()
    except ValueError as error:
        yield (
            6,
            f"TRUSTED_PROXIES: {error}.",
            "Give addresses or networks, with commas between: 10.0.0.0/8,192.0.2.7",
        )
    else:
        if any(network.prefixlen == 0 for network in networks):
            yield (
                6,
                "TRUSTED_PROXIES means everybody: whoever sends X-Forwarded-For chooses an address.",
                "Name the addresses of the proxy.",
            )


@_check()
def check_throttle_rates() -> Mistakes:
    rates = api_settings.DEFAULT_THROTTLE_RATES
    try:
        for scope in {*settings.THROTTLE_RATES, *rates}:
            policy.rate(scope)
    except ValueError as error:
        yield (
            7,
            f"THROTTLE_RATES: {error}.",
            f"Give some of {', '.join(rates)}, as in verify=900/min",
        )


@_check()
def check_cache() -> Mistakes:
    default = settings.CACHES["default"]
    in_redis = default["BACKEND"].endswith("RedisCache") and isinstance(
        default["LOCATION"], str
    )
    # Without CACHE_URL Django has a cache per process. Nothing is counted in it.
    if not (in_redis or default["BACKEND"].endswith("LocMemCache")):
        yield (
            8,
            "CACHE_URL is not one Redis, in which all processes count together.",
            "Set it to rediscache://host:6379/0, or leave it out: the database counts.",
        )


@_check()
def check_wildcards() -> Mistakes:
    # A leading dot takes every host below: of a name with one part only, that is everybody's.
    wide = [
        host
        for host in settings.ALLOWED_HOSTS
        if host == "*" or (host.startswith(".") and "." not in host[1:])
    ]
    origins = {*settings.CORS_ALLOWED_ORIGINS}
    if wide or {"*", "null"} & origins:
        yield (
            9,
            "ALLOWED_HOSTS or CORS_ALLOWED_ORIGINS lets everybody in.",
            "Name the hosts (api.example.com) and origins (https://app.example.com).",
        )
    plain = [o for o in origins if o.startswith("http://") and _is_public()]
    if plain:
        yield (
            9,
            f"CORS_ALLOWED_ORIGINS holds {plain[0]}: anybody on its network can change that page.",
            "Serve the page over https.",
        )


@_check()
def check_transport() -> Mistakes:
    if not _is_public():
        return
    database, cache = settings.DATABASES["default"], settings.CACHES["default"]
    tls = (database.get("OPTIONS") or {}).get("sslmode") in {
        *("require", "verify-ca", "verify-full"),
    }
    if _is_elsewhere(database.get("HOST")) and not tls:
        yield (
            16,
            "The database is on another host, and the connection to it may be in plain text.",
            "Add ?sslmode=verify-full to DATABASE_URL (or require).",
        )
    url = urlsplit(str(cache.get("LOCATION", "")))
    if _is_elsewhere(url.hostname) and url.scheme != "rediss":
        yield (
            16,
            "Redis is on another host, and the connection to it is in plain text.",
            "Write CACHE_URL as rediss://…",
        )


def _is_elsewhere(host: str | None) -> bool:
    return bool(host) and not str(host).startswith("/") and not _is_local(str(host))


@_check()
def check_secret_files() -> Mistakes:
    for path in map(Path, settings.SECRET_FILES):
        if path.exists() and path.stat().st_mode & stat.S_IROTH:
            yield (
                10,
                f"{path} holds secrets, and every user of this machine can read it.",
                "chmod o-r, or mode 0400 where an orchestrator mounts it.",
            )


@_check(Tags.database)
def check_demo_user() -> Mistakes:
    # Not there, or not migrated: /health/ready/ tells.
    with suppress(DatabaseError):
        if _is_public() and demo.lets_in():
            yield (
                11,
                "The demo user is there, whose password everybody knows.",
                "Delete it, or give it another password: manage.py changepassword demo",
            )


@_check()
def check_server_threads() -> Mistakes:
    if not 12 <= settings.SERVER_THREADS <= 1024:
        yield (
            13,
            f"SERVER_THREADS is {settings.SERVER_THREADS}.",
            "Give a number from 12 to 1024, and the server as many: --blocking-threads 96.",
        )


@_check()
def check_access_token_claims() -> Mistakes:
    for name, path in settings.ACCESS_TOKEN_CLAIMS.items():
        if name in codec.RESERVED:
            yield (
                14,
                f"ACCESS_TOKEN_CLAIMS: {name!r} is a claim that the service itself sets.",
                "Give it another name.",
            )
        try:
            import_string(path)
        except ImportError as error:
            yield (
                14,
                f"ACCESS_TOKEN_CLAIMS: {error}.",
                "Name a function that takes the user, as in shop.claims.plan",
            )
