import json
import os
import re
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from coverage import Coverage
from django.db import connection
from django.test import Client

from authapi.models import User
from authapi.testing.client import contract
from tests.databases import new_postgresql
from tests.programs import lacking, program
from tests.server import PASSWORD, ROOT, Service, serve, start_redis
from tests.variants import VARIANTS, Variant

pytest_plugins = ["tests.promises", "tests.browser"]

# These tools would otherwise send usage reports and check for updates.
SILENT = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}

# Tests that are not part of the suite, so that it finishes in two minutes.
PROOFS = (
    *("test_attacks_", "test_building", "test_changes", "test_clients"),
    *(
        "test_containers",
        "test_contract",
        "test_docs_lighthouse",
        "test_docs_looks",
        "test_fuzz",
        "test_lint",
        "test_outages",
        "test_restore",
        "test_rotation",
    ),
)
# Output must not contain a test password, a token, a query string or a server error.
SECRETS = re.compile(r"let-me-in|eyJ|\?[\w%]*=")
FAULTS = re.compile("Traceback|Internal Server Error|CRITICAL")

# The phrase of each status, as RFC 9110 (section 15) and RFC 6585 spell it. Python's differ by version.
TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    409: "Conflict",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    416: "Range Not Satisfiable",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
}

Answer = Any  # Django's test response: an HttpResponse with json()


class CheckedClient(Client):
    """Django's client, which checks every answer against the OpenAPI document."""

    def request(self, **request: Any) -> Any:
        answer = super().request(**request)
        contract().check(request["REQUEST_METHOD"], request["PATH_INFO"], answer)
        return answer


class Api:
    """Sends JSON to the service, with or without a bearer token."""

    def __init__(self) -> None:
        self.client = CheckedClient(
            raise_request_exception=False, enforce_csrf_checks=True
        )

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


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture(params=VARIANTS.values(), ids=[*VARIANTS])
def variant(request: pytest.FixtureRequest) -> Variant:
    """One of the two implementations: a test that takes this runs against both."""
    return request.param


@pytest.fixture
def user(db):
    return User.objects.create_user("ada", "ada@example.com", PASSWORD)


@pytest.fixture
def login(api: Api, user: User) -> Callable[..., Answer]:
    """Return a function that logs the user in and returns the response."""

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


@contextmanager
def untraced() -> Iterator[None]:
    """Disable coverage for a long loop, where tracing is slow and finds nothing new."""
    coverage = Coverage.current()
    if coverage:
        coverage.stop()
    try:
        yield
    finally:
        if coverage:
            coverage.start()


@contextmanager
def meanwhile(other: Callable[[], object]) -> Iterator[None]:
    """Run *other* when the next request has read its session but not yet changed it."""
    waiting = [other]

    def execute(execute: Any, sql: str, *arguments: Any) -> Any:
        if waiting and sql.startswith('UPDATE "authapi_session"'):
            waiting.pop()()
        return execute(sql, *arguments)

    with connection.execute_wrapper(execute):
        yield
    assert not waiting


def assert_problem(
    answer: Answer, status: int, code: str, reason: str | None = None
) -> None:
    """
    Assert that an answer (Django's or httpx's) is a complete problem with this status, code and
    reason.
    """
    assert answer.status_code == status, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert (body["code"], body.get("reason")) == (code, reason), body
    assert body["status"] == status
    assert body["type"] == "about:blank"
    assert body["title"] == TITLES[status]
    assert body["detail"]
    assert (status == 401) == ("WWW-Authenticate" in answer.headers)


def limit(settings: Any, **rates: str) -> None:
    """Return a function that sets limits by scope for the duration of a test."""
    settings.REST_FRAMEWORK = {
        **settings.REST_FRAMEWORK,
        "DEFAULT_THROTTLE_RATES": {
            **settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"],
            **rates,
        },
    }


@pytest.fixture
def openapi(api: Api, db: None) -> Any:
    """The document as it is served."""
    return api.get("/api/schema/?format=json").json()


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service behind its real server, on SQLite."""
    with discreet(tmp_path_factory.mktemp("service")) as service:
        yield service


@pytest.fixture(scope="session")
def postgresql_service(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Service]:
    """The same, on PostgreSQL."""
    folder = tmp_path_factory.mktemp("service")
    with fresh_postgresql() as url, discreet(folder, url) as service:
        yield service


@pytest.fixture(scope="module", params=["service", "postgresql_service"])
def any_service(request: pytest.FixtureRequest) -> Service:
    """The service behind its real server, on each database that it supports."""
    service: Service = request.getfixturevalue(request.param)
    return service


@contextmanager
def discreet(folder: Path, database_url: str | None = None) -> Iterator[Service]:
    """Run the service, and check afterwards that its output contains no secret and no server error."""
    with serve(folder, database_url) as service:
        yield service
    assert_discreet(service.log)


def assert_discreet(log: Path) -> None:
    said = log.read_text()
    assert not SECRETS.search(said), said
    assert not FAULTS.search(said), said


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    with fresh_postgresql() as url:
        yield url


@contextmanager
def fresh_postgresql() -> Iterator[str]:
    """A new database on this machine's PostgreSQL, if it is running. CI requires it."""
    with ExitStack() as stack:
        try:
            url = stack.enter_context(new_postgresql())
        except psycopg.OperationalError as error:
            lacking("PostgreSQL at 127.0.0.1:5432", str(error))
        yield url


@pytest.fixture(scope="module")
def own_tokens(any_service: Service) -> dict[str, str]:
    """The token of a login through each variant, by name, shared by all tests."""
    return {name: any_service.log_in(variant) for name, variant in VARIANTS.items()}


@pytest.fixture
def token(own_tokens: dict[str, str], variant: Variant) -> str:
    """A valid token of the variant, for modification."""
    return own_tokens[variant.name]


@pytest.fixture(scope="session")
def node() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a script with the packages of ``package.json``."""
    if not (ROOT / "node_modules").exists():
        lacking("node_modules", "make .venv/node")

    def node(script: str, *arguments: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["node", script, *arguments],
            cwd=ROOT,
            env={**os.environ, **SILENT},
            capture_output=True,
            text=True,
        )

    return node


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A new, empty Redis, as a ``CACHE_URL``."""
    with own_redis(tmp_path_factory.mktemp("redis")) as url:
        yield url


@contextmanager
def own_redis(folder: Path) -> Iterator[str]:
    """Run a new Redis until the block ends."""
    with start_redis(program("redis-server"), folder) as url:
        yield url


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--screenshots", type=Path, help="keep the browser's pictures here"
    )
    parser.addoption(
        "--examples", type=int, help="number of examples in test_fuzz.py per operation"
    )


def pytest_itemcollected(item: pytest.Item) -> None:
    if item.path.name.startswith(PROOFS):
        item.add_marker("proof")
    if item.path.parent.name == "scale":
        item.add_marker("scale")
    fixtures = {*getattr(item, "fixturenames", ())}
    if item.get_closest_marker("django_db") or {"db", "transactional_db"} & fixtures:
        item.add_marker("database")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the notes of tests, from all processes."""
    _print_attacks(terminalreporter)
    passed, failed = map(terminalreporter.getreports, ("passed", "failed"))
    said = [item for report in passed for item in report.user_properties]
    for name, value in said:
        if name == "said":
            terminalreporter.write_line(str(value))
    tried = [item for report in passed + failed for item in report.user_properties]
    rows = [row for name, row in tried if name == "row"]
    if rows:
        for cells in (rows[0], ["---"] * len(rows[0]), *(row.values() for row in rows)):
            terminalreporter.write_line(f"| {' | '.join(cells)} |")


def _print_attacks(reporter: pytest.TerminalReporter) -> None:
    """Print how many cases each group of attacks has, and how many passed."""
    cases = {
        outcome: {
            report.nodeid
            for report in reporter.getreports(outcome)
            if report.nodeid.startswith("tests/test_attacks")
        }
        for outcome in ("passed", "failed", "error")
    }
    tried = set().union(*cases.values())
    if not tried:
        return
    tries = Counter(map(_group, tried))
    passes = Counter(map(_group, cases["passed"] - cases["failed"] - cases["error"]))
    reporter.write_line(f"{'attacks':40}{'cases':>8}{'passed':>8}")
    for group in sorted(tries):
        reporter.write_line(f"{group:40}{tries[group]:8}{passes[group]:8}")
    reporter.write_line(f"{'all':40}{tries.total():8}{passes.total():8}")


def _group(nodeid: str) -> str:
    """``tests/test_attacks_bodies.py::TestUserNames::…`` is of the group "bodies: user names"."""
    file, _, test = nodeid.partition("::")
    words = re.sub(r"(?<!^)[A-Z]", r" \g<0>", test.partition("::")[0][4:]).lower()
    return f"{Path(file).stem.removeprefix('test_attacks_')}: {words}"
