"""
A client that calls the service in this process, through the same WSGI application as in
production.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import httpx
from django.conf import settings
from django.core.servers.basehttp import get_internal_wsgi_application
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import override_settings

from authapi.testing.contract import Contract


class InProcess(httpx.BaseTransport):
    """Calls ``WSGI_APPLICATION``. An exception in a view is raised in the test that made the call."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        with override_settings(DEBUG_PROPAGATE_EXCEPTIONS=True), _open_connections():
            transport = httpx.WSGITransport(app=get_internal_wsgi_application())
            response = transport.handle_request(request)
            response.read()
        return response


@contextmanager
def _open_connections() -> Iterator[None]:
    """Leave database connections open after a request, because the test's transaction needs them."""
    signals = request_started, request_finished
    for signal in signals:
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in signals:
            signal.connect(close_old_connections)


@cache
def contract() -> Contract:
    """The contract from the document that the service serves."""
    with httpx.Client(transport=InProcess(), base_url=settings.PUBLIC_URL) as client:
        return Contract(client.get("/api/schema/?format=json&version=3.1").json())


class ApiClient(httpx.Client):
    """
    An httpx client for the service in this process.

    Every answer is checked against the OpenAPI document. An undocumented answer fails the test.

    Args:
        token: sent with every request.
        user: the owner of the token, for use in tests.
    """

    def __init__(self, token: str | None = None, user: Any = None) -> None:
        self.user = user
        super().__init__(
            transport=InProcess(),
            base_url=settings.PUBLIC_URL,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            event_hooks={"response": [_check]},
        )


def _check(answer: httpx.Response) -> None:
    answer.read()
    contract().check(answer.request.method, answer.request.url.path, answer)
