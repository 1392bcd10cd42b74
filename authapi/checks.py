"""
Checks that find deployment mistakes before the first request: ``authapi.E001`` and so on.

Each has a hint at how to fix the mistake, and yields what is wrong.
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

Mistakes = Iterator[str]


def _check(
    number: int, hint: str, *tags: str
) -> Callable[[Callable[[], Mistakes]], Callable[..., list[Error]]]:
    """Register a function that yields mistakes as one of Django's checks."""

    def registered(find: Callable[[], Mistakes]) -> Callable[..., list[Error]]:
        @register(*tags)
        def check(databases: Any = None, **kwargs: Any) -> list[Error]:
            if Tags.database in tags and not databases:
                return []
            return [
                Error(message, hint=hint, id=f"authapi.E{number:03}")
                for message in find()
            ]

        return check

    return registered


@_check(1, "manage.py newkey prints a key.")
def check_keys() -> Mistakes:
    try:
        keys.ring()
    except ImproperlyConfigured as error:
        yield str(error)


@_check(2, "Set it to the https:// address that clients use.")
def check_public_url() -> Mistakes:
    url = urlsplit(settings.PUBLIC_URL)
    local = url.hostname in {"127.0.0.1", "localhost", "::1"}
    safe = url.scheme == "https" or (url.scheme == "http" and local)
    if not (url.hostname and safe):
        yield f"PUBLIC_URL is {settings.PUBLIC_URL!r}."


@_check(
    3,
    "Set JWT_ACCESS_LIFETIME (at most an hour), JWT_REFRESH_LIFETIME and JWT_SESSION_LIFETIME "
    "(at most 400 days), in seconds.",
)
def check_lifetimes() -> Mistakes:
    access = simplejwt.api_settings.ACCESS_TOKEN_LIFETIME
    refresh = simplejwt.api_settings.REFRESH_TOKEN_LIFETIME
    session = settings.SESSION_LIFETIME
    if not timedelta() < access <= refresh <= session:
        yield "The access token must not outlive the refresh token, nor the refresh token the session."
    if access > timedelta(hours=1) or session > timedelta(days=400):
        yield f"A stolen access token would be valid for {access}, and a session for {session}."


@_check(4, "Set it to at least 50 random characters; make run generates such a key.")
def check_secret_key() -> Mistakes:
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    password = settings.DATABASES["default"].get("PASSWORD")
    apart = len({*secrets, password}) > len(secrets)
    if not (apart and all(map(_is_secret, secrets))):
        yield "SECRET_KEY, or one of SECRET_KEY_FALLBACKS, is too short, well known, or also used elsewhere."


def _is_secret(text: str) -> bool:
    return len(text) >= 50 and len(set(text)) >= 5 and "insecure" not in text


@_check(5, "Set DEBUG=0, or PUBLIC_URL to http://127.0.0.1:8000.")
def check_debug() -> Mistakes:
    if settings.DEBUG and _is_public():
        yield "DEBUG is on, and PUBLIC_URL is not an address of this machine."


def _is_public() -> bool:
    """Whether the service is meant to be reached from other machines."""
    return _is_elsewhere(urlsplit(settings.PUBLIC_URL).hostname or "")


def _is_elsewhere(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host != "localhost"


@_check(6, "Set it to the proxy's addresses or networks: 10.0.0.0/8,192.0.2.7")
def check_trusted_proxies() -> Mistakes:
    try:
        networks = trusted_proxies()
    except ValueError as error:
        yield f"TRUSTED_PROXIES: {error}."
    else:
        if any(network.prefixlen == 0 for network in networks):
            yield "TRUSTED_PROXIES includes every address: any client could forge its address in X-Forwarded-For."


@_check(7, "Write, for example, verify=900/min")
def check_throttle_rates() -> Mistakes:
    rates = api_settings.DEFAULT_THROTTLE_RATES
    try:
        for scope in {*settings.THROTTLE_RATES, *rates}:
            policy.rate(scope)
    except ValueError as error:
        yield f"THROTTLE_RATES: {error}. The scopes are {', '.join(rates)}."


@_check(8, "Set it to rediscache://host:6379/0, or unset it to count in the database.")
def check_cache() -> Mistakes:
    default = settings.CACHES["default"]
    one_redis = default["BACKEND"].endswith("RedisCache") and isinstance(
        default["LOCATION"], str
    )
    # Without CACHE_URL, Django uses a cache per process. No shared limit is counted in it.
    if not (one_redis or default["BACKEND"].endswith("LocMemCache")):
        yield "CACHE_URL must name a single Redis server, so that all processes share the limits."


@_check(9, "List the hosts (api.example.com) and origins (https://app.example.com).")
def check_wildcards() -> Mistakes:
    # A leading dot allows every subdomain. Below a top-level domain, that is any host.
    wide = [
        host
        for host in settings.ALLOWED_HOSTS
        if host == "*" or (host.startswith(".") and "." not in host[1:])
    ]
    origins = {*settings.CORS_ALLOWED_ORIGINS}
    if wide or {"*", "null"} & origins:
        yield "ALLOWED_HOSTS or CORS_ALLOWED_ORIGINS allows any host."
    for origin in origins:
        if origin.startswith("http://") and _is_public():
            yield f"CORS_ALLOWED_ORIGINS contains {origin}: an attacker on the network can modify that page."


@_check(10, "Run chmod o-r on it, or let the orchestrator mount it with mode 0400.")
def check_secret_files() -> Mistakes:
    for path in map(Path, settings.SECRET_FILES):
        if path.exists() and path.stat().st_mode & stat.S_IROTH:
            yield f"{path} contains secrets, and every user of this machine can read it."


@_check(
    11,
    "Delete the user, or change its password: manage.py changepassword demo",
    Tags.database,
)
def check_demo_user() -> Mistakes:
    # If the database is missing or not migrated, /health/ready/ reports it.
    with suppress(DatabaseError):
        if _is_public() and demo.lets_in():
            yield "The demo user exists, and its password is public."


@_check(
    12, "Set it to the addresses of the proxy, or to an empty value if there is none."
)
def check_proxy_is_known() -> Mistakes:
    https = urlsplit(settings.PUBLIC_URL).scheme == "https"
    if https and settings.TRUSTED_PROXIES is None:
        yield "TRUSTED_PROXIES is not set: behind a proxy, all clients would share the limits of one address."


@_check(
    13,
    "Set it to a number from 12 to 1024, and start the server with as many: --blocking-threads 96.",
)
def check_server_threads() -> Mistakes:
    if not 12 <= settings.SERVER_THREADS <= 1024:
        yield f"SERVER_THREADS is {settings.SERVER_THREADS}."


@_check(17, "Set it to a number of seconds from 0.1 to 30, for example 1.25")
def check_database_wait() -> Mistakes:
    if not 0.1 <= settings.DATABASE_WAIT <= 30:
        yield f"DATABASE_WAIT is {settings.DATABASE_WAIT}."


@_check(14, "Name a function that takes the user, for example plan=shop.claims.plan")
def check_access_token_claims() -> Mistakes:
    for name, path in settings.ACCESS_TOKEN_CLAIMS.items():
        if name in codec.RESERVED:
            yield f"ACCESS_TOKEN_CLAIMS: the service itself sets the claim {name!r}. Use another name."
        try:
            import_string(path)
        except ImportError as error:
            yield f"ACCESS_TOKEN_CLAIMS: {error}."


@_check(15, "Unset it to use PUBLIC_URL, or set it to the name of the service.")
def check_audience() -> Mistakes:
    if not simplejwt.api_settings.AUDIENCE:
        yield "JWT_AUDIENCE is empty: only the key would distinguish another service's tokens from ours."


@_check(
    16,
    "Write DATABASE_URL with ?sslmode=verify-full (or require), and CACHE_URL as rediss://…",
)
def check_transport() -> Mistakes:
    if not _is_public():
        return
    database, cache = settings.DATABASES["default"], settings.CACHES["default"]
    host, options = database.get("HOST"), database.get("OPTIONS") or {}
    tls = options.get("sslmode") in {"require", "verify-ca", "verify-full"}
    # A path is a local socket.
    if host and not host.startswith("/") and _is_elsewhere(host) and not tls:
        yield "The database is on another host, and the connection may not be encrypted."
    url = urlsplit(str(cache.get("LOCATION", "")))
    if url.scheme == "redis" and _is_elsewhere(url.hostname or "localhost"):
        yield "Redis is on another host, and the connection is not encrypted."
