"""The commands of the READMEs work as shown."""

import re
import subprocess

import pytest

from tests.programs import program
from tests.server import ROOT, serve

README = (ROOT / "README.md").read_text()
OPERATING = (ROOT / "project" / "README.md").read_text()
FILES = [
    ROOT / name
    for name in (
        *("README.md", "schema/README.md", "project/README.md"),
        "authapi/README.md",
        "authapi/manual/README.md",
    )
]
MARK = "--- next ---"


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """A service of its own: the demo user is as the pages show it."""
    with serve(tmp_path_factory.mktemp("readme")) as service:
        yield service


def steps(text: str) -> list[tuple[str, str]]:
    """Yield each command of the console blocks, with its expected output."""
    blocks = "\n".join(re.findall(r"```console\n(.*?)```", text, re.DOTALL))
    return re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", blocks, re.MULTILINE)


@pytest.mark.parametrize("shell", ["bash", "zsh"])
@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.parent.name))
def test_every_command_prints_the_shown_output(service, tmp_path, file, shell):
    program(shell)
    shown = steps(file.read_text())
    script = "\n".join(f"{command}\necho; echo '{MARK}'" for command, _ in shown)
    host = service.url.removeprefix("http://")
    done = subprocess.run(
        [shell, "-eu"],
        input=script.replace("127.0.0.1:8000", host),
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )

    printed = done.stdout.replace(host, "127.0.0.1:8000").split(MARK)
    assert len(printed) == len(shown) + 1, done.stderr
    for (command, expected), output in zip(shown, printed, strict=False):
        pattern = ".*".join(map(re.escape, expected.strip().split("…")))
        assert re.fullmatch(pattern, output.strip(), re.DOTALL), (command, output)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.parent.name))
def test_links_are_not_broken(file):
    for path in re.findall(r"\]\((?!http)([^)#]+)\)", file.read_text()):
        assert (file.parent / path).exists(), path


def test_the_table_lists_exactly_the_variables():
    settings = (ROOT / "project" / "settings.py").read_text()
    read = set(re.findall(r'env(?:\.\w+)?\(\s*"(\w+)"', settings))
    table = OPERATING[OPERATING.index("| Variable") : OPERATING.index("## Threads")]
    shown = {
        name
        for row in re.findall(r"^\|.*", table, re.MULTILINE)
        for name in re.findall(r"`([A-Z_]+)`", row.split("|")[1])
    }

    assert shown == read


def test_the_readme_stays_short():
    assert 80 <= len(README.splitlines()) <= 240
