"""
Four common interceptors of djangorestframework-simplejwt clients, run against the service.

Each sends its access token, and at some 401 exchanges its refresh token and repeats the call. They
differ in which 401 that is, and in whether they keep the refresh token that comes with the answer.
"""

import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import time_machine
from django.utils import timezone

from authapi.testing.client import ApiClient
from tests.server import PASSWORD, USER, Service

PROFILE = "/api/profile/"


class SignedOut(Exception):
    """The client forgets its tokens and shows the sign-in page."""


class Interceptor(ABC):
    """The common part of the four clients."""

    def __init__(self, http: httpx.Client, access: str, refresh: str) -> None:
        self.http, self.access, self.refresh = http, access, refresh
        self.refreshes = 0

    @abstractmethod
    def takes_for_expired(self, body: Any) -> bool:
        """Whether the body of a 401 says that a refresh would help."""

    def store(self, body: Any) -> None:
        self.access = body["access"]
        self.refresh = body["refresh"]

    def get(self, path: str) -> httpx.Response:
        answer = self._send(path)
        if answer.status_code != 401 or not self.takes_for_expired(answer.json()):
            return answer
        self.refreshes += 1
        renewed = self.http.post("/api/token/refresh/", json={"refresh": self.refresh})
        if renewed.status_code != 200:
            raise SignedOut
        self.store(renewed.json())
        return self._send(path)

    def _send(self, path: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.access}"}
        return self.http.get(path, headers=headers)


class OnAny401(Interceptor):
    def takes_for_expired(self, body: Any) -> bool:
        return True


class OnCode(Interceptor):
    def takes_for_expired(self, body: Any) -> bool:
        return body.get("code") == "token_not_valid"


class OnMessages(Interceptor):
    """Reads which token was rejected, without checking that the member exists."""

    def takes_for_expired(self, body: Any) -> bool:
        first = body["messages"][0]
        return first["token_class"] == "AccessToken" and first["token_type"] == "access"


class KeepsTheFirst(OnCode):
    """Ignores rotated refresh tokens, because simplejwt does not rotate by default."""

    def store(self, body: Any) -> None:
        self.access = body["access"]


SHAPES = [
    pytest.param(OnAny401, id="any 401"),
    pytest.param(OnCode, id="code"),
    pytest.param(OnMessages, id="messages"),
    pytest.param(KeepsTheFirst, id="keeps the first"),
]


@pytest.fixture(scope="module")
def expired(service: Service) -> str:
    """An access token that has expired."""
    return service.expired_pair(uuid.uuid4().hex)[0]


@pytest.fixture
def pair(service: Service) -> dict[str, str]:
    return service.login()


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """A clock that stands still until the test moves it."""
    with time_machine.travel(timezone.now(), tick=False) as traveller:
        yield traveller


@pytest.fixture
def keeper(user: Any, clock: Any) -> Iterator[KeepsTheFirst]:
    """A client that keeps its first refresh token, of the service in this process."""
    credentials = {"username": user.username, "password": PASSWORD}
    with ApiClient() as http:
        yield KeepsTheFirst(http, **http.post("/api/token/", json=credentials).json())


@pytest.mark.parametrize("shape", SHAPES)
class TestEachShape:
    def test_stays_signed_in_when_its_access_token_expires(
        self, service, pair, expired, shape
    ):
        client = shape(service.client, **pair)

        for _ in range(4):
            client.access = expired
            assert client.get(PROFILE).json()["username"] == USER

        assert client.refreshes == 4

    def test_shows_the_sign_in_page_when_its_session_has_ended(
        self, service, pair, shape
    ):
        """It tries one refresh, which is rejected, and does not loop."""
        client = shape(service.client, **pair)
        service.post("/api/token/blacklist/", {"refresh": pair["refresh"]})

        with pytest.raises(SignedOut):
            client.get(PROFILE)

        assert client.refreshes == 1


class TestWhatNoRefreshWouldHelp:
    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("GET", PROFILE, None),
            ("POST", "/api/token/", {"username": USER, "password": "wrong"}),
        ],
        ids=["no token", "a wrong password"],
    )
    def test_has_a_different_code(self, service, method, path, body):
        answer = service.client.request(method, path, json=body)

        assert answer.status_code == 401
        assert not OnCode(service.client, "", "").takes_for_expired(answer.json())

    def test_a_refused_refresh_token_has_no_messages(self, service, pair):
        """Otherwise, a client that sends its refresh through the interceptor would loop."""
        answer = service.post("/api/token/refresh/", {"refresh": pair["access"]})

        assert answer.status_code == 401
        assert "messages" not in answer.json()


class TestKeepsTheFirst:
    """It works on its own network, but loses the protection of rotation."""

    def test_gets_the_same_successor_and_another_access_token(self, service, pair):
        answers = [
            service.post("/api/token/refresh/", {"refresh": pair["refresh"]}).json()
            for _ in range(3)
        ]

        assert len({answer["refresh"] for answer in answers}) == 1
        assert len({answer["access"] for answer in answers}) == 3

    def test_logs_out_with_it(self, service, pair, expired):
        client = KeepsTheFirst(service.client, expired, pair["refresh"])
        client.get(PROFILE)

        answer = service.post("/api/token/blacklist/", {"refresh": client.refresh})

        assert answer.status_code == 204
        with pytest.raises(SignedOut):
            client.get(PROFILE)

    def test_is_signed_out_when_anyone_spends_the_successor(
        self, service, pair, expired
    ):
        """For example its own next version, which stores the new tokens."""
        old = KeepsTheFirst(service.client, expired, pair["refresh"])
        old.get(PROFILE)
        new = OnCode(service.client, expired, pair["refresh"])
        for _ in range(2):
            new.access = expired
            new.get(PROFILE)

        old.access = expired
        with pytest.raises(SignedOut):
            old.get(PROFILE)
        with pytest.raises(SignedOut):
            new.get(PROFILE)

    @pytest.mark.parametrize(
        "elsewhere",
        [{"X-Forwarded-For": "203.0.113.9"}, {"User-Agent": "browser/2.0"}],
        ids=["another network", "an updated browser"],
    )
    def test_is_signed_out_when_its_network_or_browser_changes(
        self, settings, keeper, clock, elsewhere
    ):
        settings.TRUSTED_PROXIES = ["127.0.0.1"]
        clock.shift(timedelta(minutes=6))
        assert keeper.get(PROFILE).status_code == 200

        clock.shift(timedelta(minutes=6))
        keeper.http.headers.update(elsewhere)

        with pytest.raises(SignedOut):
            keeper.get(PROFILE)

    def test_is_signed_out_when_its_first_token_expires(self, keeper, clock):
        """A client that stores the new ones stays for ninety days."""
        for _ in range(13):
            clock.shift(timedelta(days=1))
            assert keeper.get(PROFILE).status_code == 200

        clock.shift(timedelta(days=1, minutes=1))

        with pytest.raises(SignedOut):
            keeper.get(PROFILE)

    def test_shares_its_session_with_a_thief_on_the_same_network(
        self, service, pair, expired
    ):
        """With the same network and user agent, the two cannot be distinguished."""
        owner = KeepsTheFirst(service.client, expired, pair["refresh"])
        thief = KeepsTheFirst(service.client, expired, pair["refresh"])

        for client in (owner, thief, owner, thief):
            client.access = expired
            assert client.get(PROFILE).status_code == 200
