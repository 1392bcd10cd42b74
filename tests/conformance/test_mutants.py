"""``make conformance MUTANTS=1`` takes minutes; here only whether its edits fit the sources."""

import pytest

from tests.conformance.cases import CASES, RESTART
from tests.conformance.mutants import MUTANTS, mutate


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.removed)
def test_every_guard_is_found_in_the_sources(mutant, tmp_path):
    mutate(mutant, tmp_path)


def test_every_row_notices_a_guard():
    """But for what a restart does not forget: that takes more than an edit."""
    noticing = {mutant.row for mutant in MUTANTS}

    assert {case.row for case in CASES if case.row != RESTART} <= noticing
