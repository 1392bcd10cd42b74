"""
The image and ``compose.yaml``, as far as that can be tested without a container engine.

Linters read the files. Then the same commands run here, with the same variables, secrets and proxy, and
only the places of files and ports are replaced.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import yaml

from tests.checkout import call, copy
from tests.postgresql import own_postgresql
from tests.programs import program
from tests.scale import servers
from tests.scale.fleet import Instance, container_command
from tests.scale.servers import Process, wait_until
from tests.server import ROOT, free_port

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
BIN = Path(sys.executable).parent
OPERATING = (ROOT / "project" / "README.md").read_text()


@pytest.mark.parametrize(
    "command",
    [
        ("hadolint", "Dockerfile"),
        (
            *("check-jsonschema", "--builtin-schema", "vendor.compose-spec"),
            "compose.yaml",
        ),
    ],
    ids=lambda command: command[0],
)
def test_linters_pass(command):
    done = call([BIN / command[0], *command[1:]], ROOT)

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_image_contains_nothing_that_git_ignores():
    """Secrets, databases and caches stay on the machine that builds."""
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    patterns = [line.removeprefix("**/") for line in ignored]

    for line in (ROOT / ".gitignore").read_text().splitlines():
        name = line.strip("/")
        assert any(fnmatch(name, pattern) for pattern in patterns), name


def test_the_service_reads_every_variable():
    settings = (ROOT / "project" / "settings.py").read_text()

    for name in COMPOSE["services"]["service"]["environment"]:
        assert f'"{name.removesuffix("_FILE")}"' in settings, name


def test_every_secret_is_a_file_that_the_page_says_how_to_make():
    for secret in COMPOSE["secrets"].values():
        assert secret["file"].startswith("secrets/")
        assert secret["file"] in OPERATING


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """PostgreSQL, which does not run as root, must be able to enter."""
    with tempfile.TemporaryDirectory(prefix="authapi-containers-") as name:
        Path(name).chmod(0o755)
        for part in ("database", "cache", "proxy", "service"):
            (Path(name) / part).mkdir()
        yield Path(name)


@pytest.fixture(scope="module")
def deployed(folder: Path) -> Iterator[tuple[Instance, servers.Proxy]]:
    """The services of ``compose.yaml``, one of each."""
    services = COMPOSE["services"]
    root = copy(folder)
    secrets = servers.make_secrets(folder)
    with ExitStack() as stack:
        # On a socket only, as the command says.
        sockets = folder / "database"
        if os.geteuid() == 0:
            shutil.chown(sockets, "postgres")
        options = " ".join(services["database"]["command"][1:]).replace("=", "=''")
        stack.enter_context(
            own_postgresql(f"-p 5432 -c unix_socket_directories={sockets} {options}")
        )
        with psycopg.connect(
            f"postgresql://postgres@/postgres?host={sockets}", autocommit=True
        ) as connection:
            for statement in COMPOSE["configs"]["role"]["content"].splitlines():
                connection.execute(statement)
        proxy = servers.Proxy(folder / "proxy", secrets)
        environment = {
            "PATH": str(BIN),
            "PYTHONDONTWRITEBYTECODE": "1",
            "DJANGO_SETTINGS_MODULE": "project.settings",
        }
        for name, value in services["service"]["environment"].items():
            for there, here in {
                "/run/postgresql": str(sockets),
                "/run/valkey": str(folder / "cache"),
                "/run/secrets": str(secrets),
                "${PUBLIC_URL:-https://localhost:8443}": proxy.url,
                **dict.fromkeys(
                    (
                        subnet["subnet"]
                        for subnet in COMPOSE["networks"]["front"]["ipam"]["config"]
                    ),
                    "127.0.0.1",
                ),
            }.items():
                value = value.replace(there, here)
            environment[name] = value
        _, *arguments = services["cache"]["command"]
        cache = Process(
            [
                program("redis-server"),
                *(
                    option.replace("/data", str(folder / "cache"))
                    for option in arguments
                ),
            ],
            folder / "cache",
        )
        stack.callback(cache.end)
        instance = Instance(folder / "service", environment, root)
        for command in (
            ["python", "manage.py", "collectstatic", "--noinput", "--verbosity=0"],
            services["migrate"]["command"],
        ):
            entry, *arguments = command
            done = subprocess.run(
                [BIN / entry, *arguments],
                cwd=root,
                env=environment,
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, done.stdout + done.stderr
        before = contents(root)
        instance.start()
        stack.callback(instance.stop)
        instance.wait()
        proxy.to([instance.port])
        proxy.start()
        stack.callback(proxy.server.end)
        yield instance, proxy
        # So it can run on a read-only file system.
        assert contents(root) == before


def contents(root: Path) -> set[tuple[Path, int]]:
    return {(path, path.stat().st_mtime_ns) for path in root.rglob("*")}


def test_the_health_check_passes_while_the_service_runs(deployed):
    instance, _ = deployed
    *python, code = container_command("HEALTHCHECK")

    def check(port: int) -> int:
        command = [*python, code.replace(":8000", f":{port}")]
        return subprocess.run(
            command, env=instance.environment, capture_output=True
        ).returncode

    assert check(instance.port) == 0
    assert check(free_port()) != 0


@pytest.fixture
def client(deployed):
    _, proxy = deployed
    with httpx.Client(base_url=proxy.url, verify=proxy.tls) as client:
        wait_until(
            lambda: client.get("/health/live/").is_success, "the proxy passes on"
        )
        yield client


def test_the_proxy_vouches_for_the_address_and_tls(deployed, client):
    """Limits count by it, so a client cannot choose another, whatever it spells."""
    answers = [
        client.post(
            "/api/token/",
            json={"username": "ada", "password": "wrong"},
            headers={
                "X-Forwarded-For": f"192.0.2.{number}",
                "X_Forwarded_For": f"192.0.2.{number}",
                "X-Forwarded-Proto": "http",
            },
        )
        for number in range(6)
    ]

    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert "Strict-Transport-Security" in answers[0].headers


def test_the_docs_and_their_files_are_served(client):
    page = client.get("/api/docs/").text

    for path in re.findall(r'(?:src|href)="(/static/[^"]+)"', page):
        assert client.get(path).status_code == 200, path


def test_the_proxy_answers_for_an_instance_that_is_gone(deployed, client):
    """With a problem like any other, and when to come back."""
    instance, _ = deployed
    instance.stop()
    try:
        answer = client.get("/api/profile/")
    finally:
        instance.start()
        instance.wait()

    assert answer.status_code == 503
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Retry-After"] == "1"
    assert answer.json()["code"] == "unavailable"


def test_the_log_of_the_proxy_has_no_query(deployed, client):
    client.get("/api/profile/?token=hidden")
    _, proxy = deployed

    logged = (proxy.folder / "access.log").read_text()
    assert '"path":"/api/profile/"' in logged
    assert "hidden" not in logged
