"""The suite itself: how ``pytest`` runs it and what it prints."""

import subprocess
import sys

from tests.checkout import call
from tests.server import ROOT


def suite(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "--numprocesses=0", "--no-cov"]
    return call([*command, *arguments], ROOT)


def test_runs_without_pytests_cache():
    """It sets ``testpaths``, because a run that names a file would not be the whole suite."""
    one = "testpaths=tests/test_health.py"

    done = suite("-p", "no:cacheprovider", "--collect-only", "-o", one)

    assert done.returncode == 0, done.stdout + done.stderr


def test_reports_why_tests_were_skipped(tmp_path):
    file = tmp_path / "test_skipped.py"
    file.write_text("import pytest\n\ndef test():\n    pytest.skip('no such tool')\n")

    done = suite("-c", str(ROOT / "pyproject.toml"), str(file))

    assert "1 skipped" in done.stdout, done.stdout + done.stderr
    assert "test_skipped.py:4: no such tool" in done.stdout
