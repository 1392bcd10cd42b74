"""The README's commands do what it says."""

import re
import subprocess

import pytest

from tests.server import ROOT

README = (ROOT / "README.md").read_text()
BLOCKS = "\n".join(re.findall(r"```console\n(.*?)```", README, re.DOTALL))
# A command and what it prints, up to the next one.
STEPS = re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", BLOCKS, re.MULTILINE)


def test_every_command_prints_what_the_readme_shows(service, tmp_path):
    mark = "--- next ---"
    script = "\n".join(f"{command}\necho; echo '{mark}'" for command, _ in STEPS)
    done = subprocess.run(
        ["bash", "-eu"],
        input=script.replace("127.0.0.1:8000", service.url.removeprefix("http://")),
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )

    printed = done.stdout.split(mark)
    assert len(printed) == len(STEPS) + 1, done.stderr
    for (command, shown), output in zip(STEPS, printed, strict=False):
        pattern = ".*".join(map(re.escape, shown.strip().split("…")))
        assert re.fullmatch(pattern, output.strip(), re.DOTALL), (command, output)


@pytest.mark.parametrize("path", re.findall(r"\]\((?!http)([^)#]+)\)", README))
def test_what_it_links_to_is_there(path):
    assert (ROOT / path).exists()


def test_every_variable_is_in_the_table_and_no_other():
    settings = (ROOT / "project" / "settings.py").read_text()
    read = set(re.findall(r'env(?:\.\w+)?\(\s*"(\w+)"', settings))
    table = README[README.index("| Variable") : README.index("TLS ends")]
    shown = {
        name
        for row in re.findall(r"^\|.*", table, re.MULTILINE)
        for name in re.findall(r"`([A-Z_]+)`", row.split("|")[1])
    }

    assert shown == read


def test_its_first_screen_is_not_its_length():
    assert 80 <= len(README.splitlines()) <= 150
