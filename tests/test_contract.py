"""The contract check detects answers that differ from the document."""

import os
import subprocess
import sys
from copy import deepcopy

import pytest
from jsonschema import ValidationError

from authapi.testing.client import contract
from authapi.testing.contract import Contract, Promise
from tests.server import ROOT

# Only the plugins that the inner suite needs; the others are slow.
PLUGINS = ("-p", "django", "-p", "xdist")
PROFILE = ("GET", "/api/profile/")


@pytest.fixture
def changed(openapi):
    """The contract of a modified document."""

    def changed(change):
        copy = deepcopy(openapi)
        change(copy)
        return Contract(copy)

    return changed


def profile_of(document):
    return document["components"]["schemas"]["UserProfile"]


def answers_of(document):
    return document["paths"]["/api/profile/"]["get"]["responses"]


def examples_of(document):
    return answers_of(document)["401"]["content"]["application/problem+json"][
        "examples"
    ]


class TestCheck:
    def test_records_the_answers_it_met(self, api, login, openapi):
        held = Contract(openapi)

        held.check(*PROFILE, api.profile(login()))
        held.check("GET", "/api/profile/", api.get("/api/profile/"))
        held.check("HEAD", "/api/profile/", api("HEAD", "/api/profile/"))
        held.check("GET", "/nowhere/", api.get("/nowhere/"))

        assert held.met == {
            Promise("getProfile", "200", ""),
            Promise("getProfile", "401", "not_authenticated"),
        }
        assert held.met < held.promised()

    @pytest.mark.parametrize(
        "change",
        [
            lambda d: profile_of(d)["properties"].pop("email"),
            lambda d: profile_of(d)["required"].append("phone"),
            lambda d: profile_of(d)["properties"]["email"].update(type="integer"),
        ],
        ids=["undocumented", "missing", "of-another-type"],
    )
    def test_an_undocumented_field_fails(self, api, login, changed, change):
        with pytest.raises(ValidationError):
            changed(change).check(*PROFILE, api.profile(login()))

    def test_an_undocumented_status_fails(self, api, changed):
        contract = changed(lambda d: answers_of(d).pop("401"))

        with pytest.raises(AssertionError, match="getProfile does not document 401"):
            contract.check(*PROFILE, api.get("/api/profile/"))

    def test_an_undeclared_refusal_fails(self, api, changed):
        contract = changed(
            lambda d: examples_of(d).pop("not_authenticated"),
        )

        with pytest.raises(AssertionError, match="add its exception to `refuses`"):
            contract.check(*PROFILE, api.get("/api/profile/"))

    def test_a_missing_header_fails(self, api, login, changed):
        contract = changed(
            lambda d: answers_of(d)["200"].update(headers={"Retry-After": {}})
        )

        with pytest.raises(AssertionError, match="lacks Retry-After"):
            contract.check(*PROFILE, api.profile(login()))

    def test_an_undocumented_media_type_fails(self, api, login, changed):
        contract = changed(
            lambda d: answers_of(d)["200"].update(content={"text/html": {}})
        )

        with pytest.raises(AssertionError, match="application/json"):
            contract.check(*PROFILE, api.profile(login()))

    def test_an_undocumented_body_fails(self, api, login, changed):
        contract = changed(lambda d: answers_of(d)["200"].pop("content"))

        with pytest.raises(AssertionError, match="has a body"):
            contract.check(*PROFILE, api.profile(login()))


@pytest.fixture
def suite(tmp_path):
    """Run a suite of two files that meets no promise."""
    folder = tmp_path / "tests"
    folder.mkdir()
    (folder / "conftest.py").write_text('pytest_plugins = ["tests.promises"]')
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\ntestpaths = tests\naddopts = -m 'not slow'\nmarkers = slow"
    )
    for name in ("one", "two"):
        (folder / f"test_{name}.py").write_text(
            f"import pytest\ndef test_{name}(): pass\n"
            "@pytest.mark.slow\ndef test_slow(): assert 0"
        )

    def suite(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "pytest", "--rootdir=.", *PLUGINS, *arguments],
            cwd=tmp_path,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            },
            capture_output=True,
            text=True,
        )

    return suite


class TestSuite:
    @pytest.mark.parametrize("processes", ["-n0", "-n2"])
    def test_a_full_run_fails_if_a_promise_is_not_met(self, suite, processes):
        done = suite(processes)

        assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout
        assert "2 passed" in done.stdout
        for promise in contract().promised():
            assert f"{promise}\n" in done.stdout

    @pytest.mark.parametrize(
        "part",
        [
            ["tests/test_one.py"],
            ["-k", "test_one"],
            ["-m", "not slow and not x"],
        ],
        ids=" ".join,
    )
    def test_a_partial_run_passes(self, suite, part):
        done = suite(*part)

        assert done.returncode == pytest.ExitCode.OK, done.stdout
        assert "promised" not in done.stdout
