"""
The behaviour that follows from a view's classes, for every operation, including an application's.

Tests of a new operation need not repeat, for example, that it requires a token.
"""

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest
import time_machine
from _pytest.mark import ParameterSet
from django.urls import resolve
from django.utils import timezone
from rest_framework.generics import GenericAPIView
from rest_framework.throttling import SimpleRateThrottle

from authapi.http.operation import body_limit
from authapi.models import Session
from authapi.testing.client import ApiClient, contract
from authapi.testing.contract import Contract, Promise
from authapi.testing.plugin import PASSWORD
from tests.conftest import assert_problem
from tests.variants import VARIANTS

UNKNOWN = {"uuid": "00000000-0000-0000-0000-000000000000", "integer": "0"}


class Operation:
    """One operation of the document, and how to call it."""

    def __init__(self, method: str, path: str, described: dict[str, Any]) -> None:
        self.method, self.described = method, described
        self.id = described["operationId"]
        self.path = path
        for parameter in described.get("parameters", ()):
            if parameter["in"] == "path":
                schema = parameter["schema"]
                value = UNKNOWN.get(schema.get("format", schema.get("type")), "unknown")
                self.path = self.path.replace(f"{{{parameter['name']}}}", value)
        self.variant = VARIANTS["manual" if path.startswith("/api/manual/") else "main"]

    @property
    def view(self) -> Any:
        return resolve(self.path).func

    @property
    def throttles(self) -> Any:
        return self.view.initkwargs.get(
            "throttle_classes", self.view.cls.throttle_classes
        )

    def before(self, answer: Any) -> bool:
        """
        Whether the request was rejected earlier, by a permission or because the object is
        unknown.
        """
        return answer.status_code == 403 or (
            answer.status_code == 404 and "404" in self.described["responses"]
        )

    def body(self) -> tuple[bytes, str]:
        """Return the body from the document's example or schema, and its media type."""
        content = self.described.get("requestBody", {}).get("content", {})
        for media_type, shown in content.items():
            if "json" in media_type:
                return json.dumps(shown.get("example", {})).encode(), media_type
        return b"", next(iter(content), "application/json")

    def __call__(
        self,
        token: str | None,
        body: bytes = b"",
        media_type: str = "application/json",
        query: str = "",
    ) -> Any:
        headers = {"Content-Type": media_type} if body else {}
        with ApiClient(token) as client:
            return client.request(
                *(self.method, f"{self.path}?{query}"), content=body, headers=headers
            )


def operations(status: int | None = None, case: str = "") -> list[ParameterSet]:
    """Return every operation, or only those that document a given answer."""
    promised = contract().promised()
    return [
        pytest.param(Operation(method, path, described), id=described["operationId"])
        for method, path, described in contract().operations()
        if status is None
        or any(
            promise.operation == described["operationId"]
            and promise.status == str(status)
            and case in {"", promise.case}
            for promise in promised
        )
    ]


@pytest.fixture
def token(sign_in):
    """Return a token of a superuser for an operation."""

    def token(operation: Operation) -> str:
        user = sign_in("root", is_superuser=True, is_staff=True)
        if operation.variant.name == "main":
            return str(user.headers["Authorization"]).removeprefix("Bearer ")
        body = {"username": "root", "password": PASSWORD}
        return str(user.post(operation.variant.login, json=body).json()["token"])

    return token


@pytest.mark.parametrize("operation", operations(401, "not_authenticated"))
def test_a_missing_token_is_rejected(db, operation):
    assert_problem(operation(None), 401, "not_authenticated")


class TestATokenThatIsNotAccepted:
    @pytest.mark.parametrize("operation", operations(401, "not_authenticated"))
    def test_a_malformed_token_is_rejected(self, db, operation):
        assert_problem(operation("nonsense"), 401, "token_not_valid")

    @pytest.mark.parametrize("operation", operations(401, "not_authenticated"))
    def test_an_expired_token_is_rejected(self, operation, token):
        old = token(operation)

        with time_machine.travel(timezone.now() + timedelta(days=1)):
            assert_problem(operation(old), 401, "token_not_valid", "expired")

    @pytest.mark.parametrize("operation", operations(401, "not_authenticated"))
    def test_a_token_of_an_ended_session_is_rejected(self, operation, token):
        old = token(operation)
        Session.objects.update(ended_at=timezone.now())

        assert_problem(operation(old), 401, "token_not_valid", "session_ended")


@pytest.mark.parametrize("operation", operations(400, "parse_error"))
def test_an_unparsable_body_is_rejected(operation, token):
    _, media_type = operation.body()

    answer = operation(token(operation), b"{", media_type)

    if not operation.before(answer):
        assert_problem(answer, 400, "parse_error")


class TestABodyOfTheLimit:
    @pytest.mark.parametrize("operation", operations(413))
    def test_a_body_of_the_maximum_size_is_read(self, operation, token):
        _, media_type = operation.body()
        limit = body_limit(operation.view, operation.method)

        answer = operation(token(operation), b"{" + b" " * (limit - 1), media_type)

        assert answer.status_code != 413

    @pytest.mark.requirement("RFC 9457 4.2.1")
    @pytest.mark.parametrize("operation", operations(413))
    def test_one_more_byte_is_rejected(self, operation, token):
        _, media_type = operation.body()
        limit = body_limit(operation.view, operation.method)

        answer = operation(token(operation), b" " * (limit + 1), media_type)

        assert_problem(answer, 413, "body_too_large")


@pytest.mark.parametrize("operation", operations(415))
def test_another_media_type_is_rejected(operation, token):
    answer = operation(token(operation), b"{}", "text/x-unknown")

    if not operation.before(answer):
        assert_problem(answer, 415, "unsupported_media_type")


@pytest.mark.parametrize("operation", operations(404))
def test_an_unknown_object_or_page_is_not_found(operation, token):
    answer = operation(
        token(operation), *operation.body(), query="page=0&cursor=unknown"
    )

    # A plain view may accept any argument.
    if issubclass(operation.view.cls, GenericAPIView) and answer.status_code != 403:
        assert_problem(answer, 404, "not_found")


@pytest.mark.parametrize("operation", operations())
def test_answers_to_a_user_without_rights_are_documented(operation, sign_in):
    eve = sign_in("eve").headers["Authorization"].removeprefix("Bearer ")

    assert operation(eve, *operation.body()).status_code < 500


@pytest.mark.parametrize("operation", operations(429))
def test_one_request_too_many_is_throttled(operation, token, monkeypatch):
    bearer = token(operation)
    for scope in SimpleRateThrottle.THROTTLE_RATES:
        monkeypatch.setitem(SimpleRateThrottle.THROTTLE_RATES, scope, "1/min")
    for throttle in operation.throttles:
        if getattr(throttle, "rate", None):
            monkeypatch.setattr(throttle, "rate", "1/min")
    operation(bearer, *operation.body())

    answer = operation(bearer, *operation.body())

    # A custom throttle has its own limits.
    if all(
        issubclass(throttle, SimpleRateThrottle) for throttle in operation.throttles
    ):
        assert_problem(answer, 429, "throttled")
        assert 0 < int(answer.headers["Retry-After"]) <= 60


class TestTheClientOfTests:
    def test_is_anonymous_without_a_token(self, nobody):
        assert_problem(nobody.get("/api/profile/"), 401, "not_authenticated")

    def test_can_sign_in_the_same_user_again(self, sign_in):
        first, second = sign_in("ada"), sign_in("ada")

        assert first.user == second.user
        assert second.get("/api/sessions/").json()["count"] == 2

    def test_names_a_promise_in_words(self):
        promise = Promise("getProfile", "401", "token_not_valid expired")

        assert str(promise) == "getProfile answers 401 token_not_valid expired"

    def test_takes_an_answer_that_is_not_json(self, openapi):
        answers = openapi["paths"]["/api/profile/"]["get"]["responses"]
        answers["200"]["content"] = {"text/csv": {"schema": {"type": "string"}}}
        answer = httpx.Response(200, headers={"Content-Type": "text/csv"}, text="a,b")

        Contract(openapi).check("GET", "/api/profile/", answer)
