"""Liveness and readiness endpoints, for load balancers and orchestrators."""

from collections.abc import Callable

from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe


@csrf_exempt
@require_safe
@never_cache
def live(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


@csrf_exempt
@require_safe
@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """Answer 200, or 503 if something is down: ``{"status", "database", "cache"}``."""
    parts = {"database": _works(_ask_database), "cache": _works(_ask_cache)}
    well = all(parts.values())
    return JsonResponse(
        {
            "status": "ok" if well else "unavailable",
            **{name: "ok" if works else "down" for name, works in parts.items()},
        },
        status=200 if well else 503,
    )


def _works(ask: Callable[[], None]) -> bool:
    try:
        ask()
    except Exception:  # whatever a driver raises, the answer is the same
        return False
    return True


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _ask_cache() -> None:
    cache.set("health", "ok", 10)
    if cache.get("health") != "ok":
        raise ConnectionError
