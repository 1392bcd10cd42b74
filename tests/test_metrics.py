"""Metrics for Prometheus, on a port of their own."""

import importlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import time_machine
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.wsgi import WSGIHandler
from django.utils import timezone

from authapi.models import Session
from tests.conftest import CheckedClient, fresh_postgresql, limit
from tests.server import PASSWORD, free_port, http, serve

LOGINS = 'authapi_events_total{event="login"}'


def scrape(port: int) -> Counter[str]:
    """The samples by name and labels."""
    url = f"http://127.0.0.1:{port}/metrics"
    with httpx.Client(transport=httpx.HTTPTransport(retries=6)) as patient:
        try:
            text = patient.get(url).text
        except httpx.TransportError:
            # A killed worker dropped the connection, and another takes over.
            text = patient.get(url).text
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return Counter(
        {
            name: float(value)
            for name, _, value in (line.rpartition(" ") for line in lines)
        }
    )


def requests(method: str, route: str, status: int) -> str:
    labels = f'method="{method}",route="{route}",status="{status}"'
    return f"authapi_request_seconds_count{{{labels}}}"


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """Two workers over PostgreSQL, and the port of their metrics."""
    folder = tmp_path_factory.mktemp("metrics")
    port = free_port()
    with (
        fresh_postgresql() as url,
        serve(
            folder,
            url,
            METRICS_PORT=str(port),
            PROMETHEUS_MULTIPROC_DIR=str(folder / "counts"),
            GRANIAN_RESPAWN_FAILED_WORKERS="true",
            THROTTLE_RATES="login_pair=8/hour,login_address=1000/min",
        ) as service,
    ):
        yield service, port


@pytest.mark.proof
class TestServed:
    def test_a_login_is_counted(self, watched):
        service, port = watched
        before = scrape(port)

        service.login()

        counted = scrape(port) - before
        assert counted[LOGINS] == 1
        assert counted[requests("POST", "api/token/", 200)] == 1

    def test_every_scrape_is_the_sum_of_all_workers(self, watched):
        service, port = watched
        name = requests("GET", "api/profile/", 401)
        before = scrape(port)[name]

        for _ in range(20):
            assert http.get(f"{service.url}/api/profile/").status_code == 401

        assert {scrape(port)[name] - before for _ in range(10)} == {20}

    def test_refreshes_reuses_and_limits_are_counted(self, watched):
        service, port = watched
        before = scrape(port)
        spent = newest = service.login(user_agent="phone")["refresh"]
        for _ in range(2):
            answer = service.post("/api/token/refresh/", {"refresh": newest})
            newest = answer.json()["refresh"]
        service.post("/api/token/refresh/", {"refresh": spent})
        for _ in range(9):
            service.post("/api/token/", {"username": "nobody", "password": "wrong"})

        counted = scrape(port) - before
        for name, count in (
            *(("refresh", 2), ("token_reused", 1)),
            *(("login_failed", 8), ("throttled", 1)),
        ):
            assert counted[f'authapi_events_total{{event="{name}"}}'] == count, name
        assert counted['authapi_throttled_total{scope="login_pair"}'] == 1

    def test_gauges_show_sessions_and_connections(self, watched):
        service, port = watched
        service.login()
        size = 'authapi_database_pool{state="size"}'
        deadline = time.monotonic() + 10
        while not (found := scrape(port))[size] and time.monotonic() < deadline:
            pass

        assert found[size] >= 1
        assert "authapi_live_sessions" in found
        assert 'authapi_passwords{state="waiting"}' in found

    def test_no_label_is_chosen_by_a_client(self, watched):
        service, port = watched
        with socket.create_connection(
            ("127.0.0.1", int(service.url.rpartition(":")[2]))
        ) as raw:
            raw.sendall(b"BREW /tea HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert b" 404 " in raw.recv(100)
        http.get(f"{service.url}/a/path/of/my/own/")

        found = scrape(port)

        assert found[requests("GET", "<path:path>", 404)] >= 1
        assert not [name for name in found if "BREW" in name or "own" in name]

    @pytest.mark.requirement("ASVS 13.4.5")
    def test_the_public_port_does_not_serve_them(self, watched):
        service, _ = watched

        assert http.get(f"{service.url}/metrics").status_code == 404
        assert http.get(f"{service.url}/metrics/").status_code == 404

    def test_counts_survive_killed_workers(self, watched):
        """Whichever serves them: the other one takes over."""
        service, port = watched
        counts = service.environment["PROMETHEUS_MULTIPROC_DIR"]
        service.login(user_agent="tablet")
        before = scrape(port)[LOGINS]

        for known, worker in enumerate(pids(counts), start=2):
            os.kill(worker, signal.SIGKILL)
            deadline = time.monotonic() + 60
            while len(pids(counts)) == known and time.monotonic() < deadline:
                assert scrape(port)[LOGINS] == before
            assert len(pids(counts)) == known + 1, "a new worker counts"

        service.login(user_agent="watch")
        assert {scrape(port)[LOGINS] for _ in range(10)} == {before + 1}


def pids(folder: str) -> set[int]:
    """The processes that have counted there."""
    return {
        int(file.stem.partition("_")[2]) for file in Path(folder).glob("counter_*.db")
    }


def test_a_command_counts_nothing(service, tmp_path):
    """Django's checks import every middleware."""
    folder = tmp_path / "counts"
    environment = {"METRICS_PORT": "9", "PROMETHEUS_MULTIPROC_DIR": str(folder)}
    commands = replace(service, environment=service.environment | environment)

    commands.manage("check")

    assert not folder.exists()


def test_nothing_is_loaded_without_a_port(service):
    code = "import sys, project.wsgi; print('prometheus_client' in sys.modules)"

    assert service.python(code).split()[-1] == "False"


@pytest.fixture(scope="module")
def metrics(tmp_path_factory):
    """The module, with a folder of its own."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("counts")
        patch.setenv("PROMETHEUS_MULTIPROC_DIR", str(folder))
        yield importlib.import_module("project.metrics")


@pytest.fixture
def client(metrics, settings, db):
    """A client of the service in this process, which measures its requests."""
    settings.METRICS_HOST, settings.METRICS_PORT = "127.0.0.1", free_port()
    settings.MIDDLEWARE = ["project.metrics.middleware", *settings.MIDDLEWARE]
    return CheckedClient()


class TestInProcess:
    def test_requests_are_measured(self, client, settings):
        client.get("/health/live/")
        before = scrape(settings.METRICS_PORT)

        client.get("/health/live/")
        client.generic("BREW", "/health/live/")

        counted = scrape(settings.METRICS_PORT) - before
        assert counted[requests("GET", "health/live/", 200)] == 1
        assert counted[requests("other", "health/live/", 405)] == 1

    def test_events_are_counted(self, client, settings, login):
        limit(settings, login_pair="2/min")
        client.get("/health/live/")
        before = scrape(settings.METRICS_PORT)

        for password in (PASSWORD, "wrong", PASSWORD):
            login(password=password)

        counted = scrape(settings.METRICS_PORT) - before
        assert counted[LOGINS] == 1
        assert counted['authapi_events_total{event="login_failed"}'] == 1
        assert counted['authapi_events_total{event="throttled"}'] == 1
        assert counted['authapi_throttled_total{scope="login_pair"}'] == 1

    def test_gauges_of_a_killed_worker_do_not_count(self, client, settings):
        client.get("/health/live/")
        code = (
            "import os, prometheus_client as p\n"
            "p.Gauge('authapi_passwords', '', ('state',), multiprocess_mode='livesum')"
            ".labels('waiting').set(7)\n"
            "os.kill(os.getpid(), 9)"
        )
        subprocess.run([sys.executable, "-c", code])

        found = scrape(settings.METRICS_PORT)

        assert found['authapi_passwords{state="waiting"}'] == 0

    def test_without_a_database_the_others_remain(self, client, settings):
        client.get("/health/live/")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Session._meta, "db_table", "gone")
            with time_machine.travel(timezone.now() + timedelta(hours=1)):
                found = scrape(settings.METRICS_PORT)

        assert LOGINS in found
        assert "authapi_live_sessions" not in found

    def test_the_folder_of_another_user_is_not_used(self, client, monkeypatch):
        """It could contain links that make this process overwrite its files."""
        monkeypatch.setattr(os, "getuid", lambda: -1)

        with pytest.raises(ImproperlyConfigured, match="another user"):
            WSGIHandler()

    def test_a_worker_serves_when_the_one_that_did_has_ended(
        self, client, settings, metrics
    ):
        port = settings.METRICS_PORT
        code = (
            "import fcntl, sys\n"
            "lock = open(sys.argv[1], 'w')\n"
            "fcntl.flock(lock, fcntl.LOCK_EX)\n"
            "print('locked', flush=True)\n"
            "sys.stdin.read()"
        )
        with subprocess.Popen(
            [sys.executable, "-c", code, str(metrics.FOLDER / f"{port}.lock")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as other:
            assert other.stdout
            assert other.stdout.readline() == b"locked\n"

            client.get("/health/live/")

            with pytest.raises(httpx.ConnectError):
                httpx.get(f"http://127.0.0.1:{port}/metrics")
        assert LOGINS in scrape(port)

    @pytest.mark.parametrize("port", [None, 99999], ids=["taken", "none"])
    def test_a_port_that_cannot_be_used_stops_the_start(self, client, settings, port):
        """The port of the service itself, for example: the metrics would be public."""
        with socket.socket() as other:
            # As the server does.
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            other.bind(("127.0.0.1", 0))
            other.listen()
            settings.METRICS_PORT = port or other.getsockname()[1]

            with pytest.raises(ImproperlyConfigured, match="METRICS_PORT"):
                WSGIHandler()
