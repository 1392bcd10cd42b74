"""
A pytest plugin with fixtures for testing endpoints, the service's and an application's.

    def test_a_note_is_its_owners_alone(sign_in):
        ada, bob = sign_in("ada"), sign_in("bob")

        note = ada.post("/api/notes/", json={"text": "Buy milk"}).json()

        assert bob.get(f"/api/notes/{note['id']}/").status_code == 404
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

PASSWORD = "let-me-in-please"  # noqa: S105  # for users that exist only during a test


@pytest.fixture(autouse=True)
def _forget_counts() -> None:
    """Reset the limits for each test, because those in memory or in a cache outlive a transaction."""
    from django.core.cache import cache

    from authapi.limits import stores

    cache.clear()
    stores.forget()


@pytest.fixture
def nobody(db: None) -> Iterator[Any]:
    """A client without a token. Its answers are checked against the document."""
    from authapi.testing.client import ApiClient

    with ApiClient() as client:
        yield client


@pytest.fixture
def sign_in(db: None) -> Iterator[Callable[..., Any]]:
    """
    Sign a user in and return a client with the access token; ``.user`` is the user.

    The user is created if necessary: ``sign_in("ada", is_staff=True)``. Every answer to the client is
    checked against the document.
    """
    from authapi.models import User
    from authapi.testing.client import ApiClient

    with ExitStack() as opened:

        def sign_in(username: str = "ada", **fields: Any) -> Any:
            user = User.objects.filter(username=username).first()
            if not user:
                fields = {"email": f"{username}@example.com", **fields}
                user = User.objects.create_user(username, password=PASSWORD, **fields)
            anybody = opened.enter_context(ApiClient())
            body = {"username": username, "password": PASSWORD}
            answer = anybody.post("/api/token/", json=body)
            assert answer.status_code == 200, answer.text
            return opened.enter_context(ApiClient(answer.json()["access"], user))

        yield sign_in
