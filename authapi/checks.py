"""
Checks that find deployment mistakes before the first request. Each says how to fix its mistake.

    authapi.E001  JWT_KEYS holds no usable key ring
    authapi.E002  PUBLIC_URL is not a URL, or is http:// on a host other than localhost
    authapi.E003  a lifetime is too long, or the lifetimes are inconsistent
    authapi.E004  SECRET_KEY is too short, well known, or also used elsewhere
    authapi.E005  DEBUG is on, and PUBLIC_URL is public
    authapi.E006  TRUSTED_PROXIES contains an invalid or all-inclusive network
    authapi.E007  THROTTLE_RATES has an unknown scope or an invalid rate
    authapi.E008  CACHE_URL is a cache other than Redis
    authapi.E009  ALLOWED_HOSTS or CORS_ALLOWED_ORIGINS allows any host, or a plain-HTTP origin
    authapi.E010  a file with secrets is readable by every user of the machine
    authapi.E011  the demo user exists, and PUBLIC_URL is public
    authapi.E012  PUBLIC_URL is https://, and TRUSTED_PROXIES is not set
    authapi.E013  SERVER_THREADS is too small or too large
    authapi.E014  ACCESS_TOKEN_CLAIMS names a reserved claim, or a function that cannot be imported
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

# For each mistake: its number, what is wrong, and how to fix it.
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
            "The access token must not outlive the refresh token, nor the refresh token the session.",
            "Set JWT_ACCESS_LIFETIME, JWT_REFRESH_LIFETIME and JWT_SESSION_LIFETIME (seconds).",
        )
    for name, lifetime, most in (
        ("JWT_ACCESS_LIFETIME", access, timedelta(hours=1)),
        ("JWT_SESSION_LIFETIME", session, timedelta(days=400)),
    ):
        if lifetime > most:
            yield (
                3,
                f"{name} is {lifetime}: a stolen token would stay valid for as long.",
                f"Set it to at most {int(most.total_seconds())} seconds.",
            )


@_check()
def check_audience() -> Mistakes:
    if not simplejwt.api_settings.AUDIENCE:
        yield (
            15,
            "JWT_AUDIENCE is empty: only the key would distinguish another service's tokens from ours.",
            "Unset it to use PUBLIC_URL, or set it to the name of the service.",
        )


@_check()
def check_secret_key() -> Mistakes:
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    password = settings.DATABASES["default"].get("PASSWORD")
    apart = len({*secrets, password}) > len(secrets)
    if not (apart and all(map(_is_secret, secrets))):
        yield (
            4,
            "SECRET_KEY, or one of SECRET_KEY_FALLBACKS, is too short, well known, or also used elsewhere.",
            "Set it to at least 50 random characters; make run generates such a key.",
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
    """Whether the service is meant to be reached from other machines."""
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
            "TRUSTED_PROXIES is not set: behind a proxy, all clients would share the limits of one address.",
            "Set it to the addresses of the proxy, or to an empty value if there is no proxy.",
        )
    try:
        networks = trusted_proxies()
    except ValueError as error:
        yield (
            6,
            f"TRUSTED_PROXIES: {error}.",
            "Set it to addresses or networks, separated by commas: 10.0.0.0/8,192.0.2.7",
        )
    else:
        if any(network.prefixlen == 0 for network in networks):
            yield (
                6,
                "TRUSTED_PROXIES includes every address: any client could forge its address in X-Forwarded-For.",
                "Set it to the addresses of the proxy.",
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
            f"The scopes are {', '.join(rates)}. Write, for example, verify=900/min",
        )


@_check()
def check_cache() -> Mistakes:
    default = settings.CACHES["default"]
    in_redis = default["BACKEND"].endswith("RedisCache") and isinstance(
        default["LOCATION"], str
    )
    # Without CACHE_URL, Django uses a cache per process. No shared limit is counted in it.
    if not (in_redis or default["BACKEND"].endswith("LocMemCache")):
        yield (
            8,
            "CACHE_URL must name a single Redis server, so that all processes share the limits.",
            "Set it to rediscache://host:6379/0, or unset it to count in the database.",
        )


@_check()
def check_wildcards() -> Mistakes:
    # A leading dot allows every subdomain. Below a top-level domain, that is any host.
    wide = [
        host
        for host in settings.ALLOWED_HOSTS
        if host == "*" or (host.startswith(".") and "." not in host[1:])
    ]
    origins = {*settings.CORS_ALLOWED_ORIGINS}
    if wide or {"*", "null"} & origins:
        yield (
            9,
            "ALLOWED_HOSTS or CORS_ALLOWED_ORIGINS allows any host.",
            "List the hosts (api.example.com) and origins (https://app.example.com).",
        )
    plain = [o for o in origins if o.startswith("http://") and _is_public()]
    if plain:
        yield (
            9,
            f"CORS_ALLOWED_ORIGINS contains {plain[0]}: an attacker on the network can modify that page.",
            "Serve the page over HTTPS.",
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
            "The database is on another host, and the connection may not be encrypted.",
            "Add ?sslmode=verify-full to DATABASE_URL (or require).",
        )
    url = urlsplit(str(cache.get("LOCATION", "")))
    if _is_elsewhere(url.hostname) and url.scheme != "rediss":
        yield (
            16,
            "Redis is on another host, and the connection is not encrypted.",
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
                f"{path} contains secrets, and every user of this machine can read it.",
                "Run chmod o-r on it, or let the orchestrator mount it with mode 0400.",
            )


@_check(Tags.database)
def check_demo_user() -> Mistakes:
    # If the database is missing or not migrated, /health/ready/ reports it.
    with suppress(DatabaseError):
        if _is_public() and demo.lets_in():
            yield (
                11,
                "The demo user exists, and its password is public.",
                "Delete the user, or change its password: manage.py changepassword demo",
            )


@_check()
def check_server_threads() -> Mistakes:
    if not 12 <= settings.SERVER_THREADS <= 1024:
        yield (
            13,
            f"SERVER_THREADS is {settings.SERVER_THREADS}.",
            "Set it to a number from 12 to 1024, and start the server with as many: --blocking-threads 96.",
        )


@_check()
def check_access_token_claims() -> Mistakes:
    for name, path in settings.ACCESS_TOKEN_CLAIMS.items():
        if name in codec.RESERVED:
            yield (
                14,
                f"ACCESS_TOKEN_CLAIMS: the service itself sets the claim {name!r}.",
                "Use another name.",
            )
        try:
            import_string(path)
        except ImportError as error:
            yield (
                14,
                f"ACCESS_TOKEN_CLAIMS: {error}.",
                "Name a function that takes the user, for example shop.claims.plan",
            )
