import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from authapi.models import User

PASSWORD = "correct horse battery"

Answer = Any  # Django's test response: an HttpResponse with json()


class Api:
    """Speaks JSON to the service, with a bearer token or none."""

    def __init__(self) -> None:
        self.client = Client(raise_request_exception=False)

    def __call__(
        self, method: str, path: str, body: Any = None, token: str | None = None
    ) -> Answer:
        headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
        return self.client.generic(
            method,
            path,
            b"" if body is None else json.dumps(body),
            content_type="application/json",
            headers=headers,
        )

    def get(self, path: str, token: str | None = None) -> Answer:
        return self("GET", path, token=token)

    def post(self, path: str, body: Any = None) -> Answer:
        return self("POST", path, body)

    def profile(self, pair: Answer) -> Answer:
        return self.get("/api/profile/", pair.json()["access"])


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    cache.clear()


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def user(db):
    return User.objects.create_user("ada", "ada@example.com", PASSWORD)


@pytest.fixture
def login(api: Api, user: User) -> Callable[..., Answer]:
    """Log the user in; answers the response."""

    def login(username: Any = "ada", password: Any = PASSWORD) -> Answer:
        return api.post("/api/token/", {"username": username, "password": password})

    return login


@pytest.fixture
def refresh(api: Api) -> Callable[[str], Answer]:
    def refresh(token: str) -> Answer:
        return api.post("/api/token/refresh/", {"refresh": token})

    return refresh


@pytest.fixture
def verify(api: Api) -> Callable[[str], Answer]:
    def verify(token: str) -> Answer:
        return api.post("/api/token/verify/", {"token": token})

    return verify


@pytest.fixture
def logout(api: Api) -> Callable[[str], Answer]:
    def logout(token: str) -> Answer:
        return api.post("/api/token/blacklist/", {"refresh": token})

    return logout


def assert_problem(answer: Answer, status: int, code: str) -> None:
    """The answer is a whole problem document with this status and code."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert body["code"] == code, body
    assert body["status"] == status
    assert body["type"] == "about:blank"
    assert body["title"]
    assert body["detail"]
    assert (status == 401) == answer.has_header("WWW-Authenticate")


@pytest.fixture
def openapi(api: Api) -> Any:
    """The document as it is served."""
    return api.get("/api/schema/?format=json").json()
