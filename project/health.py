"""
Liveness and readiness endpoints, for load balancers and orchestrators.

``ready`` asks each part in a thread of its own, at most once at a time. So a part that hangs delays the
answer by less than a second and costs one thread, however often it is asked.
"""

import uuid
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from datetime import datetime
from threading import Lock

import structlog
from django.core.cache import cache
from django.db import DatabaseError, InterfaceError, connections, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.models.functions import Now
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from rest_framework_simplejwt import settings as simplejwt

from authapi.models import Limit

Parts = dict[str, str]

_log = structlog.stdlib.get_logger("authapi.outage")
_SECONDS = 0.8


@csrf_exempt
@require_safe
@never_cache
def live(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


@csrf_exempt
@require_safe
@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """
    Answer 200, or 503 if the service cannot work: ``{"status", "database", "migrations", "clock",
    "cache"}``, each ``ok`` or what is wrong.

    Without the cache, the status is ``degraded``, with 200: the database does its work, and an outage of
    Redis must not take every instance out of service.
    """
    running = [probe.start() for probe in _PROBES]
    wait(running, _SECONDS)
    parts: Parts = {}
    for probe, asked in zip(_PROBES, running, strict=True):
        parts |= asked.result() if asked.done() else probe.down
    wrong = {name for name, said in parts.items() if said != "ok"}
    unavailable = bool(wrong - _CACHE_DOWN.keys())
    status = "unavailable" if unavailable else "degraded" if wrong else "ok"
    return JsonResponse({"status": status, **parts}, status=503 if unavailable else 200)


class _Probe:
    """
    Asks in a thread of its own whether some parts work.

    Args:
        ask: returns what it found.
        down: what to report until *ask* returns.
    """

    def __init__(self, ask: Callable[[], Parts], down: Parts) -> None:
        self.down = down
        self._ask = ask
        self._thread = ThreadPoolExecutor(1)
        self._lock = Lock()
        self._running: Future[Parts] | None = None

    def start(self) -> Future[Parts]:
        """Ask, unless the thread is still busy with asking."""
        with self._lock:
            if not self._running or self._running.done():
                self._running = self._thread.submit(self._ask)
            return self._running


def _ask_database() -> Parts:
    # A connection of its own, because those of the pool may all be in use.
    own = connections.create_connection("default").copy()
    own.settings_dict["OPTIONS"].pop("pool", None)
    connections["default"] = own
    parts = {**_DATABASE_DOWN}
    try:
        with closing(own):
            executor = MigrationExecutor(own)
            pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
            parts |= {"database": "not writable", "migrations": "ok"}
            if pending:
                return parts | {"database": "ok", "migrations": "pending"}
            difference = abs(_write() - timezone.now())
            agree = difference <= simplejwt.api_settings.LEEWAY
            return {**parts, "database": "ok", "clock": "ok" if agree else "differs"}
    except (DatabaseError, InterfaceError) as error:
        _log.error("unavailable", error=str(error).partition("\n")[0])
        return parts


def _write() -> datetime:
    """Write to the database, undo it, and return the time of the database's clock."""
    with transaction.atomic():
        row = Limit.objects.create(pk=uuid.uuid4().hex, full_at=0)
        now: datetime = Limit.objects.values_list(Now(), flat=True).get(pk=row.pk)
        # On a full disk, the row can still find room in a page. A new table needs a new one.
        with connections["default"].cursor() as cursor:
            cursor.execute("CREATE TEMPORARY TABLE room AS SELECT 1 AS taken")
        transaction.set_rollback(True)
    return now


def _ask_cache() -> Parts:
    try:
        cache.set("health", "ok", 10)
        works = cache.get("health") == "ok"
    except Exception as error:  # whatever a driver raises, the answer is the same
        _log.error("unavailable", error=str(error))
        works = False
    return {"cache": "ok"} if works else _CACHE_DOWN


_DATABASE_DOWN = {"database": "down", "migrations": "unknown", "clock": "unknown"}
_CACHE_DOWN = {"cache": "down"}
_PROBES = _Probe(_ask_database, _DATABASE_DOWN), _Probe(_ask_cache, _CACHE_DOWN)
