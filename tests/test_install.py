"""``make .venv/run`` and the similar targets: what they install, and their error messages."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from project.install import STEPS
from tests.checkout import UNREACHABLE, call, copy, pin_this_python, pinned, python
from tests.programs import program

MISSING = f"missing==1.0 --hash=sha256:{64 * '0'}\n"


@pytest.fixture
def checkout(tmp_path) -> Path:
    return copy(tmp_path)


@pytest.fixture
def pip(checkout) -> dict[str, str]:
    """An environment in which pip finds the package of ``requirements.lock``."""
    return pin_this_python(checkout)


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A copy with a ``.venv``, which takes seconds to create. Tests must not change it."""
    made = copy(tmp_path_factory.mktemp("installed"))
    done = install("run", made, **pin_this_python(made))
    assert done.returncode == 0, done.stderr
    return made


@pytest.fixture
def copied(installed, tmp_path) -> Path:
    """Another copy with the ``.venv`` of the first, as after ``cp -r``."""
    shutil.copytree(installed, tmp_path / "checkout", symlinks=True)
    return tmp_path / "checkout"


@pytest.fixture
def broken(copied) -> Path:
    """Another copy, whose ``.venv`` a test may break."""
    config = copied / ".venv" / "pyvenv.cfg"
    config.write_text(re.sub("(?m)^command = .*", "", config.read_text()))
    return copied


def install(
    step: str, checkout: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    return call(python("-m", "project.install", step), checkout, **environment)


@contextmanager
def changed(file: Path, text: str = "\n") -> Iterator[None]:
    """Append *text* to *file* until the block ends."""
    before = file.read_text()
    file.write_text(before + text)
    yield
    file.write_text(before)


def where_installed(checkout: Path) -> list[Path]:
    return [path.parents[4] for path in checkout.glob(".venv/lib/*/*/borrowed.pth")]


@pytest.mark.parametrize("step", STEPS)
def test_every_step_is_a_target_of_make(installed, step):
    done = call(["make", "--dry-run", f".venv/{step}"], installed)

    assert f"project.install {step}" in done.stdout


class TestRequirements:
    def test_are_installed_once(self, installed):
        done = install("run", installed)

        assert where_installed(installed) == [installed]
        assert (done.returncode, done.stderr) == (0, "")

    def test_dev_requirements_include_the_others(self, checkout, pip):
        first = install("dev", checkout, **pip)
        second = install("dev", checkout)
        third = install("run", checkout)

        assert "Installing requirements-dev.lock" in first.stderr
        assert (second.stderr, third.stderr) == ("", "")

    def test_are_installed_again_when_they_change(self, installed):
        with (installed / "requirements.lock").open("a") as file:
            file.write("# a change\n")

        first, second = install("run", installed), install("run", installed)

        assert first.returncode == 0
        assert first.stderr == "Installing requirements.lock (at most a minute)\n"
        assert second.stderr == ""

    def test_an_unreachable_index_is_reported(self, installed):
        log = installed / "pip.log"
        with changed(installed / "requirements.lock", MISSING):
            done = install(
                "run", installed, PIP_INDEX_URL=UNREACHABLE, PIP_LOG=str(log)
            )

        assert done.returncode != 0
        assert "requirements.lock was not installed: the package index" in done.stderr
        assert "Connection refused" in done.stderr
        assert "Check the network" in done.stderr
        assert "No matching distribution" not in done.stderr
        # Each retry would double the time.
        assert log.read_text().count("connection broken by") == 1

    def test_other_pip_errors_are_shown(self, installed):
        with changed(installed / "requirements.lock", MISSING):
            failed = install("run", installed, PIP_NO_INDEX="1")
            again = install("run", installed, PIP_NO_INDEX="1")

        assert failed.returncode != 0
        assert "No matching distribution found for missing==1.0" in failed.stderr
        assert "was not installed. See the error above" in failed.stderr
        assert again.returncode != 0


class TestVenv:
    def test_is_recreated_after_the_folder_moved(self, copied, installed, tmp_path):
        away = installed.rename(tmp_path / "away")

        try:
            done = install("run", copied, **pinned(installed))
        finally:
            away.rename(installed)

        assert f"Recreating .venv: it was created for {installed}/.venv" in done.stderr
        assert where_installed(copied) == [copied]
        assert str(copied) in (copied / ".venv" / "bin" / "pip").read_text()

    @pytest.mark.proof
    def test_is_recreated_after_the_folder_was_copied(self, copied, installed):
        """Its scripts would install into the old folder."""
        done = install("run", copied, **pinned(installed))

        assert f"Recreating .venv: it was created for {installed}/.venv" in done.stderr
        assert str(copied) in (copied / ".venv" / "bin" / "pip").read_text()

    def test_is_kept_if_the_folder_has_another_name(self, installed, tmp_path):
        """For example a link, or a different case on a case-insensitive file system."""
        link = tmp_path / "link"
        link.symlink_to(installed)
        config = installed / ".venv" / "pyvenv.cfg"
        made = config.read_text()
        config.write_text(made.replace(f" {installed}/.venv", f" {link}/.venv"))

        done = install("run", installed)

        assert config.read_text() != made
        config.write_text(made)
        assert (done.returncode, done.stderr) == (0, "")

    def test_is_recreated_if_its_python_is_gone(self, broken, installed):
        for link in (broken / ".venv" / "bin").glob("python*"):
            link.unlink()
            link.symlink_to("/nowhere/bin/python3")

        done = install("run", broken, **pinned(installed))

        assert "Recreating .venv: its Python is gone (/nowhere/bin/" in done.stderr
        assert done.returncode == 0, done.stderr
        assert where_installed(broken) == [broken]

    def test_is_recreated_if_its_python_has_no_packages(self, broken, installed):
        """As after the Python was replaced by another version."""
        for packages in broken.glob(".venv/lib/*/site-packages"):
            shutil.rmtree(packages)

        done = install("run", broken, **pinned(installed))

        assert "Recreating .venv: its Python does not work" in done.stderr
        assert where_installed(broken) == [broken]

    @pytest.mark.proof
    @pytest.mark.parametrize("target", [".venv/run", ".venv/dev"])
    def test_make_finds_a_python_if_the_venvs_is_gone(self, broken, installed, target):
        (broken / ".venv" / "bin" / "python").unlink()

        command = ["make", target, f"PYTHON={sys.executable}"]
        done = call(command, broken, **pinned(installed))

        assert "Recreating .venv: its Python is gone" in done.stderr
        assert done.returncode == 0, done.stderr

    @pytest.mark.proof
    def test_is_recreated_if_incomplete(self, broken, installed):
        (broken / ".venv" / "pyvenv.cfg").unlink()

        done = install("run", broken, **pinned(installed))

        assert "Recreating .venv: it is incomplete" in done.stderr
        assert where_installed(broken) == [broken]

    def test_failure_to_create_it_is_reported(self, checkout):
        (checkout / ".venv").write_text("This is not a folder.")

        done = install("run", checkout)

        assert done.returncode != 0
        assert "authapi: .venv could not be created. See the error above" in done.stderr
        assert "apt-get install python3-venv" in done.stderr

    def test_an_old_python_is_rejected(self, checkout):
        done = call(["make", "run", "PYTHON=nowhere"], checkout)

        assert done.returncode != 0
        assert "nowhere is not Python 3.11 or later" in done.stderr


class TestStaticFiles:
    def test_are_collected_once_and_after_each_change(self, installed):
        first = install("static", installed)
        second = install("static", installed)
        with changed(next((installed / "schema" / "static").rglob("*.css")), "a {}"):
            third = install("static", installed)

        assert list((installed / "staticfiles").rglob("*.css"))
        assert (
            first.stderr
            == third.stderr
            == "Installing staticfiles (at most a minute)\n"
        )
        assert second.stderr == ""

    def test_are_collected_again_after_a_failure(self, installed):
        with changed(installed / "project" / "static.py", "nonsense"):
            failed = install("static", installed)
        again = install("static", installed)

        assert failed.returncode != 0
        assert again.returncode == 0, again.stderr


class TestNode:
    @pytest.fixture
    def programs(self, tmp_path) -> Path:
        """A folder for ``PATH`` without npm, where a test may put one."""
        (tmp_path / "bin").mkdir()
        return tmp_path / "bin"

    def test_is_skipped_without_npm(self, installed, programs):
        done = install("node", installed, PATH=str(programs))

        assert done.returncode == 0
        assert done.stderr == "npm is missing: skipping the steps that need it\n"

    def test_is_required_in_ci(self, installed, programs):
        done = install("node", installed, PATH=str(programs), CI="true")

        assert done.returncode != 0
        assert done.stderr == "authapi: npm is missing, and CI needs it.\n"

    def test_is_installed_once(self, installed, programs):
        """This uses a fake npm, because the real one is slow."""
        (programs / "npm").write_text('#!/bin/sh\necho "$@" >> called\n')
        (programs / "npm").chmod(0o755)

        first = install("node", installed, PATH=str(programs))
        second = install("node", installed, PATH=str(programs))

        assert first.stderr == "Installing package-lock.json (at most a minute)\n"
        assert second.stderr == ""
        assert (installed / "called").read_text().count("ci ") == 1

    def test_an_unreachable_index_is_reported(self, installed, tmp_path):
        program("npm")
        cache = str(tmp_path / "cache")
        with changed(installed / "package-lock.json"):
            done = install(
                "node",
                installed,
                npm_config_registry=UNREACHABLE,
                npm_config_cache=cache,
            )

        assert done.returncode != 0
        assert "package-lock.json was not installed: the package index" in done.stderr
        assert "ECONNREFUSED" in done.stderr
