"""Clients that refresh, keep their newest token, and repeat a call until it is answered."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPSConnection
from itertools import count
from threading import Barrier, Condition, Event, Thread

from tests.scale.fleet import Fleet

CLIENTS = 32
PASSWORD = "let-me-in-please"
# Seconds after which a client gives up on an answer and asks again. It is long, so that a slow machine
# does not look like a fault; people's programs give up sooner.
PATIENCE = 30
HASTY = 5
# Seconds between two refreshes of a client, so that the machine is busy but not full.
PAUSE = 0.5

_MAKE_USERS = """
from django.contrib.auth.hashers import make_password
from authapi.models import User

password = make_password({password!r})
User.objects.bulk_create(
    (User(username=f"client{{number}}", password=password) for number in range({clients})),
    ignore_conflicts=True,
)
"""
# Each load's clients come from a network of their own, as limits count by address.
_networks = count(1)


@dataclass
class Answer:
    """What a client got: a status, or 0 if there was no answer."""

    status: int
    body: dict = field(default_factory=dict)
    retry_after: float = 0


class Client:
    """A person's program: it has one token, and loses its session when that is not accepted."""

    def __init__(self, load: "Load", number: int) -> None:
        self.load = load
        self.name = self.agent = f"client{number}"
        self.address = f"127.{load.network}.0.{number + 1}"
        self.connect()
        self.refresh = self.access = ""
        self.refreshes = 0
        self.lost: dict | None = None

    def connect(self) -> None:
        fleet = self.load.fleet
        self.connection = HTTPSConnection(
            "localhost",
            fleet.proxy.port,
            timeout=self.load.patience,
            source_address=(self.address, 0),
            context=fleet.proxy.tls,
        )

    def call(self, method: str, path: str, body: dict | None = None) -> Answer:
        """Send a request once, and count how it was answered."""
        headers = {"Content-Type": "application/json", "User-Agent": self.agent}
        if not body and self.access:
            headers["Authorization"] = f"Bearer {self.access}"
        try:
            self.connection.request(method, path, json.dumps(body), headers)
            response = self.connection.getresponse()
            content = response.read()
        except (OSError, HTTPException):
            # It connects again by itself.
            self.connection.close()
            return self.load.count(Answer(0))
        wait = float(response.headers.get("Retry-After") or 0)
        is_json = "json" in response.headers.get("Content-Type", "")
        parsed = json.loads(content) if content and is_json else {}
        return self.load.count(Answer(response.status, parsed, wait))

    def log_in(self) -> None:
        body = {"username": self.name, "password": PASSWORD}
        answer = self.until_answered("POST", "/api/token/", body)
        if answer.status == 200:
            self.keep(answer)
        else:
            self.lost = {"login": answer.status, **answer.body}

    def until_answered(
        self, method: str, path: str, body: dict | None = None
    ) -> Answer:
        """Repeat a call as long as the service is down or busy, and as the load lasts."""
        while True:
            answer = self.call(method, path, body)
            if answer.status not in {0, 500, 502, 503, 504} or self.load.over.is_set():
                return answer
            self.load.over.wait(min(answer.retry_after, 1))

    def keep(self, answer: Answer) -> None:
        self.access, self.refresh = answer.body["access"], answer.body["refresh"]

    def run(self) -> None:
        """Refresh, and use the new access token, until the load is over or the session is lost."""
        while self.lost is None and not self.load.over.wait(self.load.pause):
            token = {"refresh": self.refresh}
            answer = self.until_answered("POST", "/api/token/refresh/", token)
            if answer.status == 200:
                self.keep(answer)
                answer = self.until_answered("GET", "/api/profile/")
            if answer.status == 200:
                self.refreshes += 1
            elif answer.status == 401:
                self.lost = answer.body
            self.load.count(None)


class Load:
    """All the clients, and what they were answered."""

    def __init__(
        self, fleet: Fleet, clients: int, pause: float, patience: float = PATIENCE
    ) -> None:
        self.fleet = fleet
        self.pause = pause
        self.patience = patience
        self.network = next(_networks)
        self.over = Event()
        self.changed = Condition()
        # By status; 0 is no answer, and -503 a 503 without Retry-After.
        self.answers: Counter[int] = Counter()
        self.clients = [Client(self, number) for number in range(clients)]

    def make_users(self, number: int) -> None:
        code = _MAKE_USERS.format(password=PASSWORD, clients=number)
        self.fleet.manage("shell", "--no-imports", "--command", code)

    def count(self, answer: Answer | None) -> Answer:
        with self.changed:
            if answer:
                unhelpful = answer.status == 503 and not answer.retry_after
                self.answers[-503 if unhelpful else answer.status] += 1
            self.changed.notify_all()
        return answer or Answer(0)

    @property
    def calls(self) -> int:
        return self.answers.total()

    @property
    def bad(self) -> dict[int, int]:
        """Answers other than 200, 401 and a 503 that says when to come back."""
        return {
            status: number
            for status, number in self.answers.items()
            if status not in {0, 200, 401, 503}
        }

    @property
    def lost(self) -> list[dict]:
        return [client.lost for client in self.clients if client.lost is not None]

    def until(self, done: Callable[[], bool], what: str, seconds: float = 120) -> float:
        """Wait until *done* is true of the answers so far. Return how long it took."""
        began = time.monotonic()
        with self.changed:
            assert self.changed.wait_for(done, seconds), f"{what}: {self.figures()}"
        return time.monotonic() - began

    def until_refreshed(self, times: int = 2) -> float:
        """Wait until each client that still has a session has refreshed some times more."""
        goals = {client.name: client.refreshes + times for client in self.clients}
        return self.until(
            lambda: all(
                client.lost is not None or client.refreshes >= goals[client.name]
                for client in self.clients
            ),
            "every client refreshes",
        )

    def until_answered(self, status: int, times: int) -> float:
        """Wait until the service has answered *times* more requests with *status*."""
        goal = self.answers[status] + times
        what = f"{times} answers {status}"
        return self.until(lambda: self.answers[status] >= goal, what)

    def until_calls(self, times: int) -> None:
        """Wait until *times* more requests have been answered."""
        goal = self.calls + times
        self.until(lambda: self.calls >= goal, f"{times} calls")

    def figures(self) -> str:
        """One line: calls, bad answers and lost sessions."""
        return (
            f"{self.calls} calls, {self.answers[503]} told to wait,"
            f" {self.answers[0]} unanswered, bad {self.bad or 0},"
            f" {len(self.lost)} of {len(self.clients)} lost"
        )


@contextmanager
def load(
    fleet: Fleet,
    clients: int = CLIENTS,
    pause: float = PAUSE,
    patience: float = PATIENCE,
) -> Iterator[Load]:
    """Log clients in and let them refresh until the block ends."""
    running = Load(fleet, clients, pause, patience)
    running.make_users(clients)
    all_in = Barrier(clients)

    def start(client: Client) -> None:
        with closing(client.connection):
            client.log_in()
            all_in.wait()
            client.run()

    threads = [
        Thread(target=start, args=(client,), daemon=True) for client in running.clients
    ]
    for thread in threads:
        thread.start()
    try:
        running.until_refreshed(1)
        yield running
    finally:
        running.over.set()
        for thread in threads:
            thread.join()


def guess_at_once(fleet: Fleet, number: int) -> Counter[int]:
    """Try wrong passwords for an account, all at once and from one address. Count the statuses."""
    guessers = Load(fleet, number, pause=0).clients
    body = {"username": "nobody", "password": "wrong"}

    def guess(client: Client) -> int:
        client.address = guessers[0].address
        client.connect()
        with closing(client.connection):
            return client.until_answered("POST", "/api/token/", body).status

    with ThreadPoolExecutor(number) as pool:
        return Counter(pool.map(guess, guessers))
