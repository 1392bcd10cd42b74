"""
The sign-in helpers, ``schema/clients/auth.py`` and ``auth.ts``, against the running service.

The tests of the TypeScript helper are in ``tests/clients/typescript/auth.test.ts``.
"""

import asyncio
import os
import shutil
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest
from django.core.management import call_command

from schema.clients.auth import Auth, NotSignedIn, Pair
from tests import programs
from tests.server import PASSWORD, ROOT, USER, Service, serve

PARALLEL = 8
LATE_USER = "late"


class Waiting:
    """A program that uses the synchronous client."""

    @staticmethod
    def call(auth: Auth, method: str, url: str, **body: Any) -> httpx.Response:
        with httpx.Client(auth=auth) as client:
            return client.request(method, url, **body)

    @staticmethod
    def sign_out(auth: Auth) -> None:
        auth.sign_out()

    @staticmethod
    def all_expired_at_once(auth: Auth, url: str) -> list[int]:
        """Return the statuses of parallel calls. All are rejected before the first one renews."""
        refused = threading.Barrier(PARALLEL)

        def gather(answer: httpx.Response) -> None:
            if answer.status_code == 401:
                refused.wait(10)

        with (
            httpx.Client(auth=auth, event_hooks={"response": [gather]}) as client,
            ThreadPoolExecutor(PARALLEL) as pool,
        ):
            return [a.status_code for a in pool.map(client.get, [url] * PARALLEL)]


class Awaiting:
    """A program that uses the asynchronous client."""

    @staticmethod
    def call(auth: Auth, method: str, url: str, **body: Any) -> httpx.Response:
        async def call() -> httpx.Response:
            async with httpx.AsyncClient(auth=auth) as client:
                return await client.request(method, url, **body)

        return asyncio.run(call())

    @staticmethod
    def sign_out(auth: Auth) -> None:
        asyncio.run(auth.sign_out_async())

    @staticmethod
    def all_expired_at_once(auth: Auth, url: str) -> list[int]:
        """Return the statuses of parallel calls. All are rejected before the first one renews."""

        async def calls() -> list[int]:
            refused = asyncio.Barrier(PARALLEL)

            async def gather(answer: httpx.Response) -> None:
                if answer.status_code == 401:
                    await refused.wait()

            hooks = {"response": [gather]}
            async with httpx.AsyncClient(auth=auth, event_hooks=hooks) as client:
                answers = await asyncio.gather(
                    *(client.get(url) for _ in range(PARALLEL))
                )
                return [answer.status_code for answer in answers]

        return asyncio.run(calls())


Program = type[Waiting] | type[Awaiting]


@pytest.fixture(params=[Waiting, Awaiting], ids=["waiting", "awaiting"])
def program(request: pytest.FixtureRequest) -> Program:
    return request.param


@pytest.fixture(scope="module")
def expired_access(service: Service) -> str:
    return service.expired_pair(LATE_USER)[0]


@pytest.fixture
def expired(service: Service, expired_access: str) -> Pair:
    """The access token has expired; the refresh token is valid."""
    credentials = {"username": LATE_USER, "password": PASSWORD}
    refresh = service.post("/api/token/", credentials).json()["refresh"]
    return Pair(expired_access, refresh)


@pytest.fixture
def profile(service: Service) -> str:
    return f"{service.url}/api/profile/"


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with throttling, whose access tokens last two seconds."""
    with serve(
        tmp_path_factory.mktemp("hasty"),
        JWT_ACCESS_LIFETIME="2",
        THROTTLE_RATES="login_pair=5/min",
    ) as service:
        yield service


@pytest.fixture
def gateway() -> Iterator[Callable[[int], str]]:
    """A proxy that answers instead of the service, and not in JSON."""
    servers = []

    def gateway(status: int) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_error(status)

            do_GET = do_POST

            def log_message(self, *arguments: Any) -> None:
                """Do not log requests."""

        server = HTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield gateway
    for server in servers:
        server.shutdown()
        server.server_close()


def test_signs_in_once_on_the_first_call(service, profile, program):
    pairs: list[Pair | None] = []
    auth = Auth(service.url, USER, PASSWORD, on_change=pairs.append)
    assert not pairs

    answers = [program.call(auth, "GET", profile) for _ in range(2)]

    assert [answer.json()["username"] for answer in answers] == [USER, USER]
    assert len(pairs) == 1


def test_renews_before_the_token_expires(hasty):
    pairs: list[Pair | None] = []
    statuses = []
    auth = Auth(hasty.url, USER, PASSWORD, on_change=pairs.append)
    hooks = {"response": [lambda answer: statuses.append(answer.status_code)]}
    with httpx.Client(auth=auth, event_hooks=hooks) as client:
        deadline = time.monotonic() + 30
        while len(pairs) < 2 and time.monotonic() < deadline:
            client.get(f"{hasty.url}/api/profile/")

    assert len(pairs) == 2
    assert pairs[0] != pairs[1]
    assert {*statuses} == {200}


def test_retries_a_call_after_the_token_expired(service, profile, program, expired):
    """The body is sent again. A wrong client clock only costs one extra call."""
    pairs: list[Pair | None] = []
    auth = Auth(service.url, pair=expired, on_change=pairs.append)

    answer = program.call(auth, "PATCH", profile, json={"first_name": "Ada"})

    assert answer.json()["first_name"] == "Ada"
    [pair] = pairs
    assert pair
    assert pair.refresh != expired.refresh


def test_parallel_calls_renew_once(service, profile, program, expired):
    pairs: list[Pair | None] = []
    auth = Auth(service.url, pair=expired, on_change=pairs.append)

    statuses = program.all_expired_at_once(auth, profile)

    assert statuses == [200] * PARALLEL
    assert len(pairs) == 1


class LosesAnAnswer(httpx.HTTPTransport):
    """A network that delivers the first request but loses its answer."""

    lost = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = super().handle_request(request)
        if self.lost:
            return answer
        self.lost = True
        answer.read()
        raise httpx.ReadError("lost")


def test_a_lost_answer_does_not_end_the_session(service, profile, expired, program):
    auth = Auth(service.url, pair=expired, transport=LosesAnAnswer())

    assert program.call(auth, "GET", profile).status_code == 200


def test_signs_in_again_when_the_session_was_ended(service, profile, program):
    pairs: list[Pair | None] = []
    pair = Pair(**service.login())
    service.post("/api/token/blacklist/", {"refresh": pair.refresh})
    auth = Auth(service.url, USER, PASSWORD, pair=pair, on_change=pairs.append)

    assert program.call(auth, "GET", profile).status_code == 200
    assert pairs[0] is None
    assert pairs[1]


def test_reports_that_the_session_was_ended(service, profile, program):
    pairs: list[Pair | None] = []
    pair = Pair(**service.login())
    service.post("/api/token/blacklist/", {"refresh": pair.refresh})
    auth = Auth(service.url, pair=pair, on_change=pairs.append)

    with pytest.raises(NotSignedIn) as refused:
        program.call(auth, "GET", profile)

    assert refused.value.reason == "session_ended"
    assert pairs == [None]


def test_reports_that_the_refresh_token_was_reused(service, profile, expired):
    newest = expired.refresh
    for _ in range(2):
        newest = service.post("/api/token/refresh/", {"refresh": newest}).json()[
            "refresh"
        ]

    with pytest.raises(NotSignedIn) as refused:
        Waiting.call(Auth(service.url, pair=expired), "GET", profile)

    assert refused.value.reason == "reused"


def test_reports_why_it_could_not_sign_in(hasty, program):
    user = uuid.uuid4().hex
    url = f"{hasty.url}/api/profile/"
    refusals = []
    for _ in range(6):
        with pytest.raises(NotSignedIn) as refused:
            program.call(Auth(hasty.url, user, "wrong"), "GET", url)
        refusals.append(refused.value)

    assert refusals[0].code == "no_active_account"
    assert refusals[0].retry_after is None
    assert refusals[-1].code == "throttled"
    assert 0 < (refusals[-1].retry_after or 0) <= 60


def test_signing_out_ends_the_session(service, profile, program):
    pairs: list[Pair | None] = []
    auth = Auth(service.url, USER, PASSWORD, on_change=pairs.append)
    access = program.call(auth, "GET", profile).request.headers["Authorization"]

    program.sign_out(auth)

    answer = httpx.get(profile, headers={"Authorization": access})
    assert answer.json()["reason"] == "session_ended"
    assert pairs[-1] is None
    with pytest.raises(NotSignedIn) as refused:
        program.call(auth, "GET", profile)
    assert refused.value.code == "not_authenticated"
    program.sign_out(auth)


def test_signing_out_of_an_ended_session_succeeds(service):
    auth = Auth(service.url, pair=Pair("no", "token"))

    auth.sign_out()


@pytest.mark.parametrize(
    ("status", "error"), [(502, httpx.HTTPStatusError), (403, NotSignedIn)]
)
def test_keeps_the_pair_while_the_service_is_unavailable(gateway, status, error):
    pairs: list[Pair | None] = []
    auth = Auth(gateway(status), pair=Pair("a", "b"), on_change=pairs.append)

    with pytest.raises(error, match=str(status)):
        auth.sign_out()

    assert not pairs


def test_passes_on_refusals_unrelated_to_the_token(gateway, program):
    url = gateway(401)

    answer = program.call(Auth(url, pair=Pair("a", "b")), "GET", f"{url}/files/")

    assert answer.status_code == 401


def test_sends_the_token_to_no_other_host(service, gateway, program):
    auth = Auth(service.url, pair=Pair("secret", "secret"))
    verify = f"{service.url}/api/token/verify/"

    abroad = program.call(auth, "GET", f"{gateway(404)}/api/profile/")
    public = program.call(auth, "POST", verify, json={"token": "none"})

    assert "Authorization" not in abroad.request.headers
    assert "Authorization" not in public.request.headers
    assert "secret" not in repr([auth, Pair("secret", "secret")])


def test_the_typescript_helper(service, hasty, expired_access, tmp_path):
    programs.program("npm")
    shutil.copytree(ROOT / "tests/clients/typescript", tmp_path, dirs_exist_ok=True)
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    call_command("generateclient", "typescript", str(tmp_path / "client"))
    environment = os.environ | {
        "API_URL": service.url,
        "HASTY_URL": hasty.url,
        "API_USER": LATE_USER,
        "HASTY_USER": USER,
        "API_PASSWORD": PASSWORD,
        "EXPIRED_ACCESS": expired_access,
    }

    for command in (
        "node_modules/.bin/tsc",
        "node --test --test-reporter=tap built/auth.test.js",
    ):
        done = subprocess.run(
            command.split(),
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert "# fail 0" in done.stdout
    assert "# pass 10" in done.stdout
