"""What many instances must not change: one successor, logout wins, one limit over all."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from tests.payload import payload
from tests.scale.load import CLIENTS, Answer, Client, Load, guess_at_once, load

ROUNDS = 100
REFRESH = "/api/token/refresh/"


@pytest.fixture
def crowd(fleet):
    """Copies of one program, which call when the test says, all at the same moment."""
    clients = Load(fleet, CLIENTS, pause=0)
    for client in clients.clients:
        client.agent = "crowd"
    barrier = Barrier(CLIENTS)

    def call(client: Client, path: str, body: dict) -> Answer:
        barrier.wait()
        return client.call("POST", path, body)

    with ThreadPoolExecutor(CLIENTS) as pool:

        def at_once(calls: list[tuple[str, dict]]) -> list[Answer]:
            paths, bodies = zip(*calls, strict=True)
            return list(pool.map(call, clients.clients, paths, bodies))

        yield clients, at_once
    for client in clients.clients:
        client.connection.close()


def test_row_11_parallel_refreshes_have_one_successor(crowd, report):
    clients, at_once = crowd
    clients.make_users(1)
    first = clients.clients[0]
    first.log_in()
    token = first.refresh
    for _ in range(ROUNDS):
        answers = at_once([(REFRESH, {"refresh": token})] * CLIENTS)

        assert {answer.status for answer in answers} == {200}
        successors = [answer.body["refresh"] for answer in answers]
        assert len({payload(successor)["jti"] for successor in successors}) == 1
        assert payload(successors[0])["jti"] != payload(token)["jti"]
        token = successors[0]
    report(f"{ROUNDS * CLIENTS} refreshes, {ROUNDS} successors")


def test_row_12_logout_wins(crowd, report):
    """Of a token that is refreshed and logged out at once, no successor is accepted."""
    clients, at_once = crowd
    clients.make_users(ROUNDS)
    for number in range(ROUNDS):
        # Each from another address, as logins are limited.
        client = clients.clients[number % CLIENTS]
        client.name = f"client{number}"
        client.log_in()
        body = {"refresh": client.refresh}
        refreshes = [(REFRESH, body)] * (CLIENTS - 1)

        logout, *refreshed = at_once([("/api/token/blacklist/", body), *refreshes])

        assert logout.status == 204
        assert {answer.status for answer in refreshed} <= {200, 401}
        won = [answer.body for answer in refreshed if answer.status == 200]
        for pair in won:
            again = client.call("POST", REFRESH, {"refresh": pair["refresh"]})
            assert again.body["reason"] == "session_ended"
    report(f"{ROUNDS} of {ROUNDS} logouts won")


def test_row_13_one_limit_over_all(fleet, report):
    statuses = guess_at_once(fleet, CLIENTS)

    report(f"{statuses[401]} of {CLIENTS} guesses tried")
    assert statuses == {401: 5, 429: CLIENTS - 5}


def test_row_14_a_rolling_restart_loses_no_request(fleet, report):
    with load(fleet) as clients:
        for _ in fleet.roll():
            clients.until_refreshed(1)

    report(clients.figures())
    assert {*clients.answers} == {200}
    assert not clients.lost
