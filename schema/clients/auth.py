"""
Stay signed in to authapi: ``httpx.Auth`` for the generated client, or for httpx itself.

    auth = Auth("http://127.0.0.1:8000", "ada", "her password")
    client = AuthenticatedClient(auth.base_url, token="", httpx_args={"auth": auth})
    profile = get_profile.sync(client=client)
    auth.sign_out()

The first call signs in. The access token is renewed before it expires, once however many calls
run in parallel, and the refresh token that comes with the new one is kept. (The generated client
wants a token of its own; it is not used.)
"""

import base64
import json
import math
import threading
import time
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any, NamedTuple

import anyio
import httpx
from anyio.to_thread import run_sync


class Pair(NamedTuple):
    """The tokens of a session. Anyone who has them is signed in, so protect them like a password."""

    access: str
    refresh: str

    def __repr__(self) -> str:
        return "Pair(…)"


class NotSignedIn(Exception):
    """
    There is no session, and signing in was not possible.

    ``code`` is the problem's: ``no_active_account`` (user name or password are wrong),
    ``throttled`` (wait ``retry_after`` seconds), ``token_not_valid`` (let the user sign in again;
    ``reason`` is ``session_ended`` or ``reused``), ``not_authenticated`` (there was never anything
    to sign in with, or ``sign_out`` was called).
    """

    def __init__(
        self,
        code: str,
        detail: str,
        reason: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.reason = reason
        self.retry_after = retry_after


class Auth(httpx.Auth):
    """
    Signs in when first needed, stays signed in, signs out.

    Give it a user name and a password, or the *pair* of an earlier run, or both: then the pair is
    used while its session lasts. Let all clients, threads and tasks that act for one user share
    one object, and never copy its pair: a refresh token that is used twice ends the session.

    Only calls to *base_url* carry the token, and of those not the ones to ``/api/token/``, which
    bring what they need.

    Args:
        on_change: told each new pair, to store it, and ``None`` when the session is over. All
            calls wait for it, so it must not make one. ``AsyncClient`` has it called in a thread.
        options: what ``httpx.Client`` takes, such as ``verify`` or ``timeout``, for the calls that
            sign in, renew and sign out.

    Any call may raise ``NotSignedIn``. When the service cannot be reached or is out of order, it
    raises ``httpx.HTTPError``, and the pair is kept.
    """

    # A call may have to be repeated, so its body must be in memory.
    requires_request_body = True

    def __init__(
        self,
        base_url: str,
        username: str = "",
        password: str = "",
        *,
        pair: Pair | None = None,
        on_change: Callable[[Pair | None], object] = lambda pair: None,
        **options: Any,
    ) -> None:
        self.base_url = str(httpx.URL(base_url)).rstrip("/")
        self._credentials = {"username": username, "password": password}
        self._pair = pair
        # The age of a stored pair is unknown, so it is used until the service rejects it.
        self._renew_at = math.inf
        self._on_change = on_change
        self._options = options
        self._lock = threading.Lock()
        # Parallel tasks would only wait for the lock, so one thread is enough for them.
        self._one_thread = anyio.CapacityLimiter(1)

    def sync_auth_flow(
        self, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, None]:
        if not self._concerns(request):
            yield request
            return
        with self._lock:
            sent = self._prepare()
        response = yield _signed(request, sent)
        if response.status_code == 401:
            response.read()
            with self._lock:
                pair = self._recover(sent, response)
            if pair != sent:
                yield _signed(request, pair)

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Like ``sync_auth_flow``, in a thread, because signing in and renewing block."""
        flow, answer = self.sync_auth_flow(request), None
        while step := await run_sync(_next, flow, answer, limiter=self._one_thread):
            answer = yield step
            if answer.status_code == 401:
                await answer.aread()

    def sign_out(self) -> None:
        """End the session, here and at the service. This object cannot be used for calls afterwards."""
        with self._lock:
            if self._pair:
                body = {"refresh": self._pair.refresh}
                answer = self._post("/api/token/blacklist/", body)
                if answer.status_code != 401:  # 401: it had ended before
                    _check(answer)
            self._credentials = {"username": "", "password": ""}
            self._change(None)

    async def sign_out_async(self) -> None:
        """Like ``sign_out``, but asynchronous."""
        await run_sync(self.sign_out)

    def _concerns(self, request: httpx.Request) -> bool:
        path = str(request.url).removeprefix(self.base_url)
        return path.startswith("/") and not path.startswith("/api/token/")

    def _prepare(self) -> Pair:
        """Return a pair that is not about to expire."""
        if not self._pair:
            said = "There is nothing to sign in with."
            return self._sign_in(NotSignedIn("not_authenticated", said))
        if time.monotonic() >= self._renew_at:
            return self._renew(self._pair)
        return self._pair

    def _recover(self, sent: Pair, refused: httpx.Response) -> Pair:
        """Return a new pair if the one *sent* was the reason for the 401."""
        problem = _problem(refused)
        if self._pair != sent:  # another call has renewed it, or ended the session
            return self._prepare()
        if problem.reason == "expired":
            return self._renew(sent)
        if problem.code == "token_not_valid":
            return self._sign_in(problem)
        return sent

    def _renew(self, pair: Pair) -> Pair:
        call = "/api/token/refresh/", {"refresh": pair.refresh}
        asked = time.monotonic()
        try:
            answer = self._post(*call)
        except httpx.TransportError:
            # If only the answer was lost, the same token gets the same successor.
            answer = self._post(*call)
        if answer.status_code == 401:
            return self._sign_in(_problem(answer))
        return self._keep(answer, asked)

    def _sign_in(self, problem: NotSignedIn) -> Pair:
        """Sign in, or raise *problem* if there is nothing to sign in with."""
        if self._pair:
            self._change(None)
        if not self._credentials["username"]:
            raise problem
        asked = time.monotonic()
        return self._keep(self._post("/api/token/", self._credentials), asked)

    def _keep(self, answer: httpx.Response, asked: float) -> Pair:
        """Store the new pair. *asked* is the monotonic time of the request."""
        _check(answer)
        body = answer.json()
        pair = Pair(body["access"], body["refresh"])
        lifetime = _lifetime(pair.access)
        self._renew_at = asked + lifetime - min(30, lifetime / 10)
        self._change(pair)
        return pair

    def _change(self, pair: Pair | None) -> None:
        self._pair = pair
        self._on_change(pair)

    def _post(self, path: str, body: dict[str, str]) -> httpx.Response:
        # Each call has a connection of its own, because they are minutes apart.
        with httpx.Client(**self._options) as client:
            return client.post(self.base_url + path, json=body)


def _next(
    flow: Generator[httpx.Request, httpx.Response, None], answer: httpx.Response | None
) -> httpx.Request | None:
    """Return the request that follows *answer* in *flow*; None at its end."""
    try:
        return flow.send(answer)  # type: ignore[arg-type]  # None starts it
    except StopIteration:
        return None


def _signed(request: httpx.Request, pair: Pair) -> httpx.Request:
    request.headers["Authorization"] = f"Bearer {pair.access}"
    return request


def _lifetime(token: str) -> int:
    """Return the lifetime of *token* in seconds. The local clock may be wrong, so it is not asked."""
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return int(claims["exp"] - claims["iat"])


def _check(answer: httpx.Response) -> None:
    """Raise the exception for an unsuccessful answer."""
    if answer.is_client_error:
        raise _problem(answer)
    answer.raise_for_status()


def _problem(answer: httpx.Response) -> NotSignedIn:
    is_problem = answer.headers.get("Content-Type", "") == "application/problem+json"
    problem = answer.json() if is_problem else {}
    retry_after = answer.headers.get("Retry-After", "")
    return NotSignedIn(
        problem.get("code", "unknown"),
        problem.get("detail", f"The service answered {answer.status_code}."),
        problem.get("reason"),
        int(retry_after) if retry_after.isdecimal() else None,
    )
