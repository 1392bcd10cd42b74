"""
Generated clients run a typical scenario against the running service.

Python and TypeScript run with the other tests. ``make clients`` runs all languages and prints the
table.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import pytest
from django.core.management import call_command

from tests.programs import program
from tests.server import PASSWORD, ROOT, Service, serve

BIN = Path(sys.executable).parent
NODE = ROOT / "node_modules" / ".bin"
STEPS = (
    *("login", "profile", "update", "renewal"),
    *("wrong password", "throttled", "logout"),
)
# Debian's Jackson lacks java.time. The generator contains one, newer than the client expects.
JACKSON = files("openapi_generator_cli") / "openapi-generator.jar"
ANNOTATIONS = Path("/usr/share/java/jakarta-annotation-api.jar")
DEBIAN = "/usr/share/doc"  # has a folder for each package that is installed


@dataclass
class Language:
    """
    How a client is generated, checked and run.

    *needs* are programs and files, each with its Debian package. *version* is a command that prints the
    version of the language.
    """

    version: list[str]
    generator: str
    checks: list[list[str]]
    scenario: list[str]
    needs: dict[str, str] = field(default_factory=dict)


def npm(package: str) -> str:
    """The locked name and version of the package."""
    lock = (ROOT / "package-lock.json").read_text()
    found = re.search(rf'"node_modules/{package}": {{\s+"version": "([^"]+)"', lock)
    assert found, package
    return f"{package} {found[1]}"


def pypi(package: str) -> str:
    return f"{package} {version(package)}"


JARS = f"{JACKSON}:{ANNOTATIONS}"
LANGUAGES = {
    "python": Language(
        version=[sys.executable, "--version"],
        generator=pypi("openapi-python-client"),
        checks=[[f"{BIN}/mypy", "--strict", "--config-file=", "client", "scenario.py"]],
        scenario=[sys.executable, "scenario.py"],
    ),
    "typescript": Language(
        version=[f"{NODE}/tsc", "--version"],
        generator=f"{npm('openapi-typescript')}, {npm('openapi-fetch')}",
        checks=[[f"{NODE}/tsc"]],
        scenario=["node", "built/scenario.js"],
        needs={"npm": "nodejs npm"},
    ),
    "go": Language(
        version=[f"{BIN}/go", "version"],
        generator=pypi("openapi-generator-cli"),
        checks=[[f"{BIN}/go", "vet", "./..."], [f"{BIN}/go", "build", "-o", "built"]],
        scenario=["./built"],
    ),
    "java": Language(
        version=["javac", "--version"],
        generator=pypi("openapi-generator-cli"),
        checks=[
            ["sh", "-c", "find client/src/main Scenario.java -name '*.java' > sources"],
            [
                *("javac", "-Xlint:all,-deprecation", "-Werror", "-proc:none"),
                *("-d", "built", "-cp", JARS, "@sources"),
            ],
        ],
        scenario=["java", "-cp", f"built:{JARS}", "Scenario"],
        needs={
            "javac": "default-jdk-headless",
            str(ANNOTATIONS): "libjakarta-annotation-api-java",
        },
    ),
    "php": Language(
        version=["php", "--version"],
        generator=pypi("openapi-generator-cli"),
        checks=[["sh", "-c", "find . -name '*.php' | xargs -n1 php -l"]],
        scenario=["php", "scenario.php"],
        needs={
            "php": "php-cli",
            f"{DEBIAN}/php-curl": "php-curl",
            f"{DEBIAN}/php-mbstring": "php-mbstring",
            f"{DEBIAN}/php-guzzlehttp-guzzle": "php-guzzlehttp-guzzle",
        },
    ),
    "ruby": Language(
        version=["ruby", "--version"],
        generator=pypi("openapi-generator-cli"),
        checks=[["sh", "-c", "find . -name '*.rb' | xargs -n1 ruby -wc"]],
        scenario=["ruby", "-Iclient/lib", "scenario.rb"],
        needs={"ruby": "ruby", f"{DEBIAN}/ruby-typhoeus": "ruby-typhoeus"},
    ),
}


@pytest.fixture(scope="module")
def throttled_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service, with its own limit for one account; all clients here have one address."""
    folder = tmp_path_factory.mktemp("throttled")
    with serve(
        folder, THROTTLE_RATES="login_pair=5/min,login_address=1000/min"
    ) as service:
        yield service


@pytest.mark.parametrize(
    "name",
    [
        "python",
        "typescript",
        *(
            pytest.param(name, marks=pytest.mark.clients)
            for name in ("go", "java", "php", "ruby")
        ),
    ],
)
def test_scenario(throttled_service, tmp_path, record_property, name):
    language = LANGUAGES[name]
    row = {"Client": name, "Generator": language.generator, **dict.fromkeys(STEPS, "✗")}
    record_property("row", row)
    if name == "typescript":
        program("npm")
    install_nothing_but_say(language.needs)
    row["Client"] += f" {release(language)}"
    shutil.copytree(ROOT / "tests" / "clients" / name, tmp_path, dirs_exist_ok=True)
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    user = f"ada-{name}"
    access, refresh = throttled_service.expired_pair(user)
    environment = os.environ | {
        "API_URL": throttled_service.url,
        "API_USER": user,
        "API_PASSWORD": PASSWORD,
        "EXPIRED_ACCESS": access,
        "REFRESH": refresh,
    }

    call_command("generateclient", name, str(tmp_path / "client"))
    for command in language.checks:
        done = run(command, tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
    done = run(language.scenario, tmp_path, environment)

    proved = done.stdout.splitlines()
    row.update(dict.fromkeys(proved, "✓"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert proved == list(STEPS)
    assert not done.stderr


def test_the_readme_names_the_pinned_generators():
    readme = (ROOT / "README.md").read_text()

    for name, language in LANGUAGES.items():
        assert re.search(rf"^\| {name} [\d.]+ \| {language.generator} \|", readme, re.M)


def install_nothing_but_say(needs: dict[str, str]) -> None:
    missing = [
        package
        for need, package in needs.items()
        if not (shutil.which(need) or Path(need).exists())
    ]
    command = "apt-get install --no-install-recommends"
    assert not missing, f"{command} {' '.join(missing)}"


def release(language: Language) -> str:
    said = run(language.version, ROOT).stdout
    found = re.search(r"\d+(\.\d+)+", said)
    assert found, said
    return found[0]


def run(
    command: list[str], folder: Path, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True
    )
