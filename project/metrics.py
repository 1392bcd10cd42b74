"""
Metrics for Prometheus, on a port of their own. Without ``METRICS_PORT``, nothing imports this module. To
import it changes nothing, because Django's checks import every middleware, in every command.

Each worker counts in files of its own (prometheus-client's multiprocess mode), and one of them serves the
sum of all. It holds a lock, so when it ends, however it ends, another one takes over within a second. The
counts of a worker remain; its gauges end with it.
"""

import fcntl
import os
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache, lru_cache
from pathlib import Path
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from authapi import events, passwords
from authapi.models import Session

# The workers of a server share its folder.
FOLDER = Path(
    os.environ.setdefault(
        "PROMETHEUS_MULTIPROC_DIR",
        f"{tempfile.gettempdir()}/authapi-metrics-{os.getppid()}",
    )
)

# It reads the variable when it is imported.
from prometheus_client import (  # noqa: E402  # after the variable
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    core,
    exposition,
    make_wsgi_app,
    multiprocess,
    registry,
)

_requests = Histogram(
    "authapi_request_seconds",
    "How long Django worked on a request, by URL pattern; for a static file it is empty.",
    ("method", "route", "status"),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    registry=None,
)
_events = Counter(
    "authapi_events",
    "Events (authapi/events.py): logins, failed logins, refreshes, reused tokens and so on.",
    ("event",),
    registry=None,
)
_throttled = Counter(
    "authapi_throttled", "Requests beyond a limit.", ("scope",), registry=None
)
_passwords = Gauge(
    "authapi_passwords",
    "Passwords that are being hashed, and that wait for it.",
    ("state",),
    registry=None,
    multiprocess_mode="livesum",
)
_pool = Gauge(
    "authapi_database_pool",
    "Of the pool of PostgreSQL connections: its size, available ones, waiting requests.",
    ("state",),
    registry=None,
    multiprocess_mode="livesum",
)
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


def middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Measure each request, and serve the metrics. No label has a value that a client can choose."""
    serve(settings.METRICS_HOST, settings.METRICS_PORT)

    def measured(request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        response = get_response(request)
        method = request.method if request.method in _METHODS else "other"
        match = request.resolver_match
        labels = method, match.route if match else "", response.status_code
        _requests.labels(*labels).observe(time.perf_counter() - began)
        return response

    return measured


@cache
def serve(host: str, port: int) -> None:
    """
    Serve the metrics of all workers until this process ends, unless another worker does.

    Raises:
        ImproperlyConfigured: another program uses the port, or another user the folder.
    """
    _make_folder()
    for event in vars(events).values():
        if isinstance(event, events.Event):
            event.connect(_count)
            _events.labels(event.name)  # From now on it is 0.
    # A number, because a file object would be closed, and the lock released, with its last reference.
    lock = os.open(FOLDER / f"{port}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    if _take(lock):
        Thread(target=_server(host, port).serve_forever, daemon=True).start()
    else:
        Thread(target=_wait, args=(lock, host, port), daemon=True).start()


def _make_folder() -> None:
    FOLDER.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Where every user can write, another user's folder could contain links to files of this one.
    if FOLDER.lstat().st_uid != os.getuid():
        raise ImproperlyConfigured(
            f"{FOLDER} belongs to another user. Set PROMETHEUS_MULTIPROC_DIR to a folder of your own."
        )


def _take(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait(lock: int, host: str, port: int) -> None:
    """Serve when the worker that does so has ended."""
    while not _take(lock):
        _update_gauges()
        time.sleep(0.5)
    _server(host, port).serve_forever()


def _server(host: str, port: int) -> "_Server":
    served = CollectorRegistry()
    _Workers(served)
    served.register(_LiveSessions())
    _Server.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return make_server(host, port, make_wsgi_app(served), _Server, _Handler)
    except (OSError, OverflowError) as error:
        raise ImproperlyConfigured(
            f"METRICS_HOST and METRICS_PORT: {host}:{port} cannot be used ({error}). Choose another."
        ) from error


def _update_gauges() -> None:
    """Update the gauges of this process. Called twice a second."""
    hashing, waiting = passwords.load()
    _passwords.labels("hashing").set(hashing)
    _passwords.labels("waiting").set(waiting)
    pool = getattr(connection, "pool", None)
    stats = pool.get_stats() if pool else {}
    _pool.labels("size").set(stats.get("pool_size", 0))
    _pool.labels("available").set(stats.get("pool_available", 0))
    _pool.labels("waiting").set(stats.get("requests_waiting", 0))


class _Server(exposition.ThreadingWSGIServer):
    def service_actions(self) -> None:
        """Called twice a second, and after each scrape."""
        _update_gauges()


class _Handler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Do not log scrapes."""


class _Workers(multiprocess.MultiProcessCollector):
    """The sum over all workers. Gauges of those that were killed do not count."""

    def collect(self) -> Any:
        for file in FOLDER.glob("gauge_live*_*.db"):
            pid = int(file.stem.rpartition("_")[2])
            try:
                os.kill(pid, 0)
            except OSError:
                # Another scrape may be doing the same.
                with suppress(FileNotFoundError):
                    multiprocess.mark_process_dead(pid)
        return super().collect()


class _LiveSessions(registry.Collector):
    """Counted in the database, once a minute at most."""

    def collect(self) -> Iterator[core.GaugeMetricFamily]:
        try:
            live = _live_sessions(int(time.time()) // 60)
        except DatabaseError:
            return  # The other metrics do not need the database.
        finally:
            connection.close()
        yield core.GaugeMetricFamily("authapi_live_sessions", "Live sessions.", live)


@lru_cache(maxsize=1)
def _live_sessions(minute: int) -> int:
    return Session.objects.live(timezone.now()).count()


def _count(signal: events.Event, scope: str | None = None, **facts: Any) -> None:
    _events.labels(signal.name).inc()
    if scope:
        _throttled.labels(scope).inc()
