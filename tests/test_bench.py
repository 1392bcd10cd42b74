"""What ``make bench`` counts is what it says: requests that are let in, with every check on."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench import environments
from tests.bench.bounds import BOUNDS, figures
from tests.bench.catalog import OURS, TUTORIAL, System
from tests.bench.chart import headline
from tests.bench.count import Count, check
from tests.server import ROOT


def drive(phase: str, system: System, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.bench.drive", phase, system.name],
        cwd=ROOT,
        env=os.environ | environments.variables(folder, cheap_hash=True),
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def counted(tmp_path_factory):
    """Sends the counted requests, without valgrind, and returns what was found."""
    folder = tmp_path_factory.mktemp("bench")
    done = drive("prepare", OURS, folder)
    assert done.returncode == 0, done.stderr

    def send():
        done = drive("count", OURS, folder)
        assert done.returncode == 0, done.stderr
        return json.loads((folder / "answers.json").read_text())

    return send


@pytest.fixture(scope="module")
def found(counted):
    return counted()


def test_every_counted_request_is_let_in(found):
    for operation, answers in found["answers"].items():
        check(OURS, operation, answers)


def test_the_counted_process_refuses_what_it_must(found):
    assert found["probes"] == [
        ["forged token", 401, 401],
        ["spent refresh token", 401, 401],
        ["logout", 204, 204],
        ["ended session", 401, 401],
    ]


def test_the_session_is_read_with_each_request(found):
    for operation in ("profile", "profile_new", "verify", "refresh", "sessions"):
        assert any("authapi_session" in sql for sql in found["statements"][operation])


def test_every_bound_has_a_figure(found):
    count = Count(1, dict.fromkeys(found["answers"], 1.0), found["statements"])

    assert set(figures(dict.fromkeys(("bare", "ours", "simplejwt"), count))) == {
        row.figure for row in BOUNDS
    }


def test_a_refused_request_is_not_counted(counted, found):
    """The same requests a second time, when the refresh tokens are spent."""
    again = counted()["answers"]

    with pytest.raises(SystemExit, match="refresh got 401"):
        check(OURS, "refresh", again["refresh"])


def test_a_missing_answer_is_noticed(found):
    with pytest.raises(SystemExit, match="profile got 20 answers"):
        check(OURS, "profile", found["answers"]["profile"][1:])


@pytest.mark.parametrize(
    ("operation", "status", "body"),
    [
        ("profile", 200, {"username": "somebody else"}),
        ("schema", 200, {"paths": {}}),
        ("schema_304", 200, {}),
        ("sessions", 200, {"results": []}),
        ("login", 200, {"access": "none"}),
    ],
)
def test_another_answer_is_noticed(operation, status, body):
    with pytest.raises(SystemExit, match=f"{operation} got {status}"):
        check(OURS, operation, [(status, {}, json.dumps(body))])


@pytest.mark.parametrize(
    ("sql", "commits"),
    [
        (["SELECT 1"], 0),
        (["UPDATE limits", "INSERT INTO limits"], 2),
        (["BEGIN IMMEDIATE", "UPDATE users", "INSERT INTO sessions", "COMMIT"], 1),
        (["BEGIN", "UPDATE users", "ROLLBACK", "UPDATE users"], 1),
    ],
)
def test_counts_commits(sql, commits):
    assert Count(0, {}, {"login": sql}).commits("login") == commits


def test_the_readme_says_what_the_picture_shows():
    """Both come from one run of ``make bench``."""
    picture = (ROOT / "tests" / "bench" / "bench.svg").read_text()
    profiles = re.findall(
        r">([^<]+)</text>\n<rect [^>]+>\n<text [^>]+>([\d.]+)<", picture
    )
    shown = dict(reversed(profiles))  # the first group is the profile
    readme = " ".join((ROOT / "README.md").read_text().split())

    assert headline(shown[OURS.title], shown[TUTORIAL.title]) in readme
