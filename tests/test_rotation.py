"""
A rotation of ``JWT_KEYS`` and ``SECRET_KEY``, step by step over the instances of a fleet.

An instance for each step of the procedure runs over one PostgreSQL database. The fleet of a moment is two
of them behind a load balancer.
"""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from authapi.tokens import keys
from authapi.well_known import CACHED
from tests.conftest import fresh_postgresql
from tests.load_balancer import LoadBalancer, load_balancer
from tests.server import PASSWORD, ROOT, USER, serve
from tests.variants import VARIANTS

OLD, NEW = keys.generate(), keys.generate()
OLD_SECRET = "the-old-secret-that-is-long-enough-for-the-checks-0123456789"
NEW_SECRET = "the-new-secret-that-is-long-enough-for-the-checks-0123456789"
# The procedure: JWT_KEYS, SECRET_KEY and SECRET_KEY_FALLBACKS of an instance after each step.
STEPS = {
    "old": (OLD, OLD_SECRET, ""),
    "added": (OLD + NEW, OLD_SECRET, NEW_SECRET),
    "swapped": (NEW + OLD, NEW_SECRET, OLD_SECRET),
    "dropped": (NEW, NEW_SECRET, ""),
}
# The fleet while the steps are rolled out.
FLEETS = (
    *(("old", "old"), ("added", "old"), ("added", "added")),
    *(("swapped", "added"), ("swapped", "swapped")),
    *(("dropped", "swapped"), ("dropped", "dropped")),
)


@dataclass
class Fleet:
    balancer: LoadBalancer
    urls: dict[str, str]

    def becomes(self, *steps: str) -> None:
        self.balancer.to(*(self.urls[step] for step in steps))

    def new(self) -> "User":
        return User(self.balancer.url)

    def tokens_of(self, step: str) -> dict[str, str]:
        """Log in at the instance of *step*."""
        body = {"username": USER, "password": PASSWORD}
        return httpx.post(f"{self.urls[step]}/api/token/", json=body).json()


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    with ExitStack() as stack:
        database = stack.enter_context(fresh_postgresql())
        balancer = stack.enter_context(load_balancer())
        urls = {}
        for step, (jwt_keys, secret, fallbacks) in STEPS.items():
            service = stack.enter_context(
                serve(
                    tmp_path_factory.mktemp(step),
                    database,
                    PUBLIC_URL=balancer.url,
                    JWT_KEYS=jwt_keys,
                    SECRET_KEY=secret,
                    SECRET_KEY_FALLBACKS=fallbacks,
                    GRANIAN_WORKERS="1",
                )
            )
            urls[step] = service.url
        service.python(
            "from authapi.models import User;"
            f"User.objects.create_superuser('root', None, {PASSWORD!r})"
        )
        yield Fleet(balancer, urls)


@dataclass
class User:
    """Somebody who uses everything that is signed. Every request is a connection of its own."""

    url: str
    statuses: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        limits = httpx.Limits(max_keepalive_connections=0)
        self.http = httpx.Client(base_url=self.url, limits=limits)
        self.log_in()
        page = self.http.get("/admin/login/").text
        (csrf,) = re.findall('name="csrfmiddlewaretoken" value="(.+?)"', page)
        form = {"username": "root", "password": PASSWORD, "csrfmiddlewaretoken": csrf}
        self.http.post("/admin/login/", data=form)

    def log_in(self) -> None:
        body = {"username": USER, "password": PASSWORD}
        self.pair = self.http.post("/api/token/", json=body).json()
        self.manual = self.http.post("/api/manual/login/", json=body).json()["token"]

    def use_tokens(self) -> None:
        """Show each token to both instances."""
        for _ in range(2):
            self._get(VARIANTS["main"].profile, self.pair["access"])
            self._get(VARIANTS["manual"].profile, self.manual)
            self._get("/admin/")
        for _ in range(2):
            self.refresh()

    def refresh(self) -> None:
        body = {"refresh": self.pair["refresh"]}
        answer = self.http.post("/api/token/refresh/", json=body)
        self.statuses.append(answer.status_code)
        if answer.status_code == 200:
            self.pair = answer.json()

    def _get(self, path: str, token: str = "") -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.statuses.append(self.http.get(path, headers=headers).status_code)


@pytest.mark.requirement("ASVS 13.3.4")
def test_the_procedure_refuses_no_token(fleet):
    fleet.becomes("old", "old")
    users = [fleet.new() for _ in range(3)]
    idle = fleet.new()

    for steps in FLEETS:
        fleet.becomes(*steps)
        for user in users:
            user.use_tokens()
        if steps == ("swapped", "swapped"):
            # The wait before the old keys are dropped. The tutorial's tokens end within an hour.
            idle.refresh()
            for user in users:
                body = {"username": USER, "password": PASSWORD}
                answer = user.http.post("/api/manual/login/", json=body)
                user.manual = answer.json()["token"]

    for user in [*users, idle]:
        user.refresh()
        assert {*user.statuses} == {200}


@pytest.mark.parametrize(
    ("signing", "verifying"),
    [("swapped", "old"), ("added", "dropped")],
    ids=["a key signs before it is everywhere", "a key is dropped before it ended"],
)
def test_another_order_refuses_tokens(fleet, signing, verifying):
    fleet.becomes(signing)
    user = fleet.new()
    fleet.becomes(verifying)

    user.use_tokens()

    # The API, the tutorial, and a redirect to the admin's login; then the refreshes.
    assert user.statuses == [401, 401, 302] * 2 + [401] * 2


PYTHON = """
import sys, time
skew, monotonic = 0, time.monotonic
time.monotonic = lambda: monotonic() + skew
for line in sys.stdin:
    word, _, token = line.strip().partition(" ")
    if word == "wait":
        skew += float(token)
    try:
        print(user_of(token) if word == "verify" else "waited", flush=True)
    except jwt.PyJWTError:
        print("refused", flush=True)
"""
JAVASCRIPT = """
import { createInterface } from "node:readline";
let skew = 0;
const now = Date.now;
Date.now = () => now() + skew;
for await (const line of createInterface({ input: process.stdin })) {
  const [word, token] = line.split(" ");
  if (word === "wait") skew += 1000 * token;
  try {
    console.log(word === "verify" ? await userOf(token) : "waited");
  } catch {
    console.log("refused");
  }
}
"""


@contextmanager
def verifier(language: str, issuer: str) -> Iterator[Callable[[str, str | int], str]]:
    """Run another service, as README.md shows it. Yield a function that sends it a line."""
    commands = {
        "python": ([sys.executable, "-c"], PYTHON),
        "js": (["node", "--input-type=module", "--eval"], JAVASCRIPT),
    }
    command, loop = commands[language]
    readme = (ROOT / "README.md").read_text()
    pattern = rf"```{language}\n(\S+ verify\..*?)```"
    (shown,) = re.findall(pattern, readme, re.DOTALL)
    with subprocess.Popen(
        [*command, shown.replace("http://127.0.0.1:8000", issuer) + loop],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        said = iter(process.stdout)
        send = process.stdin

        def ask(word: str, argument: str | int) -> str:
            send.write(f"{word} {argument}\n")
            send.flush()
            return next(said).strip()

        yield ask


@pytest.mark.parametrize("language", ["python", "js"])
def test_other_services_follow_the_rotation(fleet, node, language):
    tokens = {step: fleet.tokens_of(step) for step in STEPS}
    access = {step: pair["access"] for step, pair in tokens.items()}
    with verifier(language, fleet.balancer.url) as ask:
        fleet.becomes("old")
        user = ask("verify", access["old"])
        assert user.isdecimal()
        assert ask("verify", tokens["old"]["refresh"]) == "refused"
        # A service that has just fetched the keys does not fetch them again for an unknown one.
        assert ask("verify", access["swapped"]) == "refused"

        fleet.becomes()
        assert ask("verify", access["old"]) == user, (
            "it needs the service only for keys"
        )

        fleet.becomes("added")
        ask("wait", CACHED)
        assert ask("verify", access["swapped"]) == user
        assert ask("verify", access["old"]) == user

        fleet.becomes("dropped")
        ask("wait", CACHED)
        assert ask("verify", access["dropped"]) == user
