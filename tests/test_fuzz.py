"""
Schemathesis finds nothing: all checks, all phases, in ``schemathesis.toml``.

The suite runs a few fixed examples. ``make fuzz`` runs many random ones.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from schema.document import VERSIONS
from tests.server import ROOT, serve
from tests.variants import VARIANTS


@pytest.fixture(scope="module")
def quick_service(tmp_path_factory):
    """
    The real server with the suite's fast password hasher, because it must handle a thousand logins.

    It has one worker, because the suite's settings generate keys when they are loaded.
    """
    folder = tmp_path_factory.mktemp("fuzz")
    with serve(
        folder, DJANGO_SETTINGS_MODULE="tests.settings", GRANIAN_WORKERS="1"
    ) as service:
        yield service


@pytest.mark.parametrize("version", VERSIONS)
def test_schemathesis_finds_nothing(quick_service, pytestconfig, version):
    examples = pytestconfig.getoption("examples")
    done = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"),
            "--config-file=tests/schemathesis.toml",
            "run",
            f"{quick_service.url}/api/schema/?version={version}",
            f"--url={quick_service.url}",
            "--checks=all",
            "--continue-on-failure",
            "--generation-database=none",
            *([f"-n{examples}"] if examples else ["-n20", "--seed=1"]),
        ],
        cwd=ROOT,
        env={**os.environ, "MANUAL_TOKEN": quick_service.log_in(VARIANTS["manual"])},
        capture_output=not examples,
        text=True,
    )

    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
