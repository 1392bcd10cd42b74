"""
A pytest plugin: fixtures for tests of endpoints, ours and an application's.

    def test_a_note_is_its_owners_alone(sign_in):
        ada, bob = sign_in("ada"), sign_in("bob")

        note = ada.post("/api/notes/", json={"text": "Buy milk"}).json()

        assert bob.get(f"/api/notes/{note['id']}/").status_code == 404
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

PASSWORD = "let-me-in-please"  # noqa: S105  # of users that live as long as a test


@pytest.fixture(autouse=True)
def _forget_counts() -> None:
    """Start each test with unused limits: those in memory or in a cache outlive a transaction."""
    from django.core.cache import cache

    from authapi.limits import stores

    cache.clear()
    stores.forget()


@pytest.fixture
def nobody(db: None) -> Iterator[Any]:
    """A client without a token, whose answers are held against the document."""
    from authapi.testing.client import ApiClient

    with ApiClient() as client:
        yield client


@pytest.fixture
def sign_in(db: None) -> Iterator[Callable[..., Any]]:
    """
    Sign a user in and return a client with the access token; ``.user`` is the user.

    A user who does not exist is made: ``sign_in("ada", is_staff=True)``. Every answer to the client
    is held against the document.
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
