"""The cases of ``make conformance``, against the service on each database."""

from contextlib import nullcontext

import pytest

from tests.conformance import adapters
from tests.conformance.cases import ORDERED
from tests.conformance.system import System, find_faketime
from tests.conftest import assert_discreet, fresh_postgresql
from tests.programs import lacking


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def system(request, tmp_path_factory):
    on_postgresql = request.param == "postgresql"
    database = fresh_postgresql() if on_postgresql else nullcontext(adapters.SQLITE)
    with database as url:
        tested = System(
            adapters.authapi("authapi", url), tmp_path_factory.mktemp("system")
        )
        with tested.running():
            yield tested
        assert_discreet(tested.log)


@pytest.mark.requirement("RFC 9700 4.14.2")
class TestRefreshTokens:
    @pytest.mark.parametrize("case", ORDERED, ids=lambda case: case.check.__name__)
    def test_the_case_holds(self, system, case):
        if case.clock:
            if not find_faketime():
                lacking("faketime", "on Debian: apt-get install faketime")
            system.stop_the_clock()

        case.check(system)
