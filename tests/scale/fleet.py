"""Three instances of two workers behind nginx, over one PostgreSQL and one Redis."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from django.conf import settings

from tests.scale.servers import Process, Proxy, wait_until
from tests.server import ROOT, free_port

INSTANCES = 3
WORKERS = 2
# The command of the image, with another address.
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def container_command(instruction: str = "CMD") -> list[str]:
    """The last CMD or HEALTHCHECK of the Dockerfile, for this Python."""
    joined = DOCKERFILE.replace("\\\n", " ")
    line = re.findall(rf"^{instruction}\b.*?(\[.*\])$", joined, re.MULTILINE)[-1]
    name, *arguments = json.loads(line)
    return [str(Path(sys.executable).parent / name), *arguments]


class Instance:
    """One instance: what the image's command starts."""

    def __init__(
        self, folder: Path, environment: dict[str, str], root: Path = ROOT
    ) -> None:
        self.folder = folder
        self.root = root
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = environment

    def start(self) -> None:
        command = [*container_command(), "--host=127.0.0.1", f"--port={self.port}"]
        self.server = Process(command, self.folder, self.environment, root=self.root)

    def stop(self) -> None:
        self.server.end()

    def health(self, part: str = "ready", seconds: float = 30) -> httpx.Response | None:
        """Ask the instance itself; None if it does not answer."""
        try:
            return httpx.get(f"{self.url}/health/{part}/", timeout=seconds)
        except httpx.TransportError:
            return None

    def is_ready(self) -> bool:
        answer = self.health()
        return bool(answer and answer.status_code == 200)

    def wait(self) -> None:
        """Wait until it is ready. It fails at once if it has ended."""

        def ready() -> bool:
            assert self.server.process.poll() is None, self.server.log.read_text()
            return self.is_ready()

        wait_until(ready, "an instance gets ready")

    def workers(self) -> list[int]:
        return self.server.all()[1:]


class Fleet:
    """The instances and the proxy before them."""

    def __init__(self, folder: Path, proxy: Proxy, **environment: str) -> None:
        self.proxy = proxy
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if name not in {"SECRET_KEY_FALLBACKS", "THROTTLE_RATES", "DEBUG"}
        } | {
            "DJANGO_SETTINGS_MODULE": "project.settings",
            "PUBLIC_URL": proxy.url,
            "TRUSTED_PROXIES": "127.0.0.1",
            "SECRET_KEY": settings.SECRET_KEY,
            "JWT_KEYS": settings.JWT_KEYS,
            **environment,
        }
        self.instances = []
        for number in range(INSTANCES):
            (folder / str(number)).mkdir(parents=True, exist_ok=True)
            self.instances.append(Instance(folder / str(number), self.environment))

    def manage(self, *arguments: str, **environment: str) -> str:
        """Run a ``manage.py`` command as an operator would and return what it prints."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment | environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self) -> None:
        for instance in self.instances:
            instance.start()
        for instance in self.instances:
            instance.wait()
        self.proxy.to([instance.port for instance in self.instances])
        self.proxy.reload()

    def stop(self) -> None:
        for instance in self.instances:
            if instance.server.process.poll() is None:
                instance.server.end()

    def restart(self) -> None:
        """Stop all instances, and start them with the environment as it is now."""
        self.stop()
        for instance in self.instances:
            instance.environment = self.environment
        self.start()

    def roll(self, **environment: str) -> Iterator[Instance]:
        """
        Restart one instance after the other, each as soon as the last one is ready, with a changed
        environment. Yield each restarted one, as the caller may look between.
        """
        self.environment = self.environment | environment
        for instance in self.instances:
            instance.environment = self.environment
            instance.stop()
            instance.start()
            instance.wait()
            yield instance

    def recovers(self) -> bool:
        """Whether all instances get ready by themselves."""
        try:
            for instance in self.instances:
                instance.wait()
        except AssertionError:
            return False
        return True

    def clear_logs(self) -> None:
        for instance in self.instances:
            os.truncate(instance.server.log, 0)

    def complaints(self) -> list[str]:
        """The lines that the instances have logged, without those that report normal events."""
        return [
            line
            for instance in self.instances
            for line in instance.server.log.read_text().splitlines()
            if '"level": "info"' not in line
        ]


@contextmanager
def running(folder: Path, proxy: Proxy, **environment: str) -> Iterator[Fleet]:
    """Migrate, run a fleet until the block ends, and stop it."""
    fleet = Fleet(folder, proxy, **environment)
    fleet.manage("migrate", "--verbosity=0")
    try:
        fleet.start()
        yield fleet
    finally:
        fleet.stop()
