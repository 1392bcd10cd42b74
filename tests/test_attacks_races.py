"""Many clients with one refresh token, over HTTP, against the real server on each database."""

import json
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from threading import Barrier

import httpx
import pytest

from authapi.testing.client import contract
from tests.payload import payload

THREADS = 32
ROUNDS = 50


REFRESH, LOGOUT = "/api/token/refresh/", "/api/token/blacklist/"
VERIFY = "/api/token/verify/"


@pytest.fixture(scope="module")
def at_once(any_service):
    """POST refresh tokens at the same moment, each in a thread with a connection of its own."""
    barrier = Barrier(THREADS)
    host = any_service.url.removeprefix("http://")
    connections = [HTTPConnection(host, timeout=30) for _ in range(THREADS)]

    def post(connection: HTTPConnection, path: str, token: str) -> httpx.Response:
        body = json.dumps({"refresh": token})
        barrier.wait()
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return httpx.Response(
            answer.status, headers=answer.getheaders(), content=answer.read()
        )

    with ThreadPoolExecutor(THREADS) as pool:

        def run(calls: list[tuple[str, str]]) -> list[httpx.Response]:
            paths, tokens = zip(*calls, strict=True)
            answers = list(pool.map(post, connections, paths, tokens))
            for path, answer in zip(paths, answers, strict=True):
                contract().check("POST", path, answer)
            return answers

        yield run
    for connection in connections:
        connection.close()


class TestRaces:
    def test_one_refresh_token_has_one_successor(self, any_service, at_once):
        token = any_service.login()["refresh"]
        for _ in range(ROUNDS):
            answers = at_once([(REFRESH, token)] * THREADS)

            assert {answer.status_code for answer in answers} == {200}
            successors = [answer.json()["refresh"] for answer in answers]
            assert len({payload(successor)["jti"] for successor in successors}) == 1
            assert payload(successors[0])["jti"] != payload(token)["jti"]
            token = successors[0]

    def test_a_spent_token_never_rotates(self, any_service, at_once):
        """Many clients present an older token at once. The session is ended once."""
        oldest = any_service.login()["refresh"]
        token = oldest
        for _ in range(2):
            token = any_service.post(REFRESH, {"refresh": token}).json()["refresh"]

        answers = at_once([(REFRESH, oldest)] * THREADS)

        reasons = {answer.json()["reason"] for answer in answers}
        assert reasons <= {"reused", "session_ended"}
        final = any_service.post(REFRESH, {"refresh": token})
        assert final.json()["reason"] == "session_ended"

    def test_logout_during_refresh_leaves_no_live_session(self, any_service, at_once):
        for _ in range(ROUNDS // 10):
            token = any_service.login()["refresh"]

            answers = at_once([(REFRESH, token), (LOGOUT, token)] * (THREADS // 2))

            assert {answer.status_code for answer in answers} <= {200, 204, 401}
            for answer in answers:
                if answer.status_code == 200:
                    verdict = any_service.post(
                        VERIFY, {"token": answer.json()["access"]}
                    )
                    assert verdict.json()["reason"] == "session_ended"
