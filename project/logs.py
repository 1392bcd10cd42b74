"""Logging: each entry, including Django's own, is one line of JSON with the request id."""

import logging
import re
import time
import uuid
from collections.abc import Callable

import structlog
from django.http import HttpRequest
from django.http.response import HttpResponseBase

_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_SHARED: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso"),
]


def json_lines() -> structlog.stdlib.ProcessorFormatter:
    """Return the formatter for ``LOGGING``, and configure structlog to use it."""
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
    )


class OncePerSecond(logging.Filter):
    """Drop entries that follow another one within a second."""

    _next = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + 1
        return True


def request_id_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """
    Give each request an id. It is in every log line, and in ``X-Request-ID`` of the answer.

    The id that a proxy in ``TRUSTED_PROXIES`` sends is kept, so that its log and this one can be
    correlated. ``forwarded_middleware`` has removed it from any other request.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get("X-Request-ID", "")
        request_id = given if _ID.fullmatch(given) else uuid.uuid4().hex
        bound = structlog.contextvars.bind_contextvars(request_id=request_id)
        response = get_response(request)
        structlog.contextvars.reset_contextvars(**bound)
        response.headers["X-Request-ID"] = request_id
        return response

    return middleware
