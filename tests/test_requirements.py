"""Which tests prove which requirement: the table in ``SECURITY.md`` is current and has no gaps."""

import sys

import pytest

from tests import requirements
from tests.checkout import call
from tests.server import ROOT

MET = {"demands": "Say so."}
PROOF = ["tests/test_a.py::TestB::test_c"]


def test_the_page_shows_the_current_table():
    done = call([sys.executable, "-m", "tests.requirements", "--check"], ROOT)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("listed", "proofs", "said"),
    [
        ({}, {"RFC 1 2": PROOF}, "which requirements.toml lacks"),
        ({"RFC 1 2": MET}, {}, "has no test"),
        ({"RFC 1 2": {**MET, "partly": "Why."}}, {}, "has no test"),
        ({"RFC 1 2": {**MET, "not_met": "Why."}}, {"RFC 1 2": PROOF}, "has a test"),
        ({"RFC 1 2": {"not_met": "Why."}}, {}, "needs `demands`"),
        (
            {"RFC 1 2": {**MET, "not_met": "Why.", "not_applicable": "Why."}},
            {},
            "at most one of",
        ),
    ],
    ids=["unknown", "unproven", "partly", "contradiction", "silent", "undecided"],
)
def test_a_gap_is_a_mistake(listed, proofs, said):
    (mistake,) = requirements.mistakes(listed, proofs)

    assert said in mistake


def test_a_row_names_three_tests_and_counts_the_others():
    proofs = [*PROOF, "tests/test_a.py::test_d", "tests/test_a.py", "x.py::y", "z.py"]

    *_, row = requirements.table({"RFC 1 2": MET}, {"RFC 1 2": proofs}).splitlines()

    assert row == (
        "| RFC 1 2 | Say so. | [`test_a::test_c`](tests/test_a.py),"
        " [`test_a::test_d`](tests/test_a.py), [`test_a`](tests/test_a.py), +2 |"
    )


def test_a_reason_stands_in_place_of_the_tests():
    listed = {"RFC 1 2": {**MET, "not_met": "It is late."}}

    *_, row = requirements.table(listed, {}).splitlines()

    assert row == "| RFC 1 2 | Say so. | **Not met**: It is late. |"


@pytest.mark.parametrize("mark", [requirements.BEGIN, requirements.END])
def test_a_page_without_room_for_the_table_is_a_mistake(mark):
    text = requirements.PAGE.read_text().replace(mark, "")

    with pytest.raises(SystemExit, match="needs the lines"):
        requirements.page(text, "")
