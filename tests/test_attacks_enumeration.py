"""Neither the answer nor its duration reveals which accounts exist."""

import random
import time
from itertools import combinations
from statistics import NormalDist, median

import pytest

from tests.server import PASSWORD, USER
from tests.variants import Variant

TRIES = 200
# Three comparisons for each variant: a false alarm once in three thousand runs.
ALPHA = 0.0001


@pytest.fixture(scope="module")
def names(service):
    service.python(
        "from authapi.models import User\n"
        f"User.objects.create_user('disabled', None, {PASSWORD!r}, is_active=False)"
    )
    service.login()  # so that the address is known to one of the accounts
    return {
        "unknown user": ("nobody", PASSWORD),
        "wrong password": (USER, "let-me-in-not"),
        "disabled account": ("disabled", PASSWORD),
    }


class TestLogin:
    @pytest.mark.requirement("ASVS 6.3.8")
    def test_every_failure_has_the_same_answer_and_duration(
        self, service, variant: Variant, names, record_property
    ):
        for name, password in names.values():
            service.post(variant.login, {"username": name, "password": password})
        tries = [*names] * TRIES
        random.Random(20261124).shuffle(tries)  # an order, not a secret
        bodies = set()
        seconds: dict[str, list[float]] = {reason: [] for reason in names}

        for reason in tries:
            name, password = names[reason]
            body = {"username": name, "password": password}
            began = time.perf_counter()
            answer = service.post(variant.login, body)
            seconds[reason].append(time.perf_counter() - began)
            bodies.add((answer.status_code, answer.content))

        assert len(bodies) == 1
        alike = min(
            same_distribution(one, other)
            for one, other in combinations(seconds.values(), 2)
        )
        medians = ", ".join(
            f"{reason} {median(times) * 1000:.2f} ms"
            for reason, times in seconds.items()
        )
        record_property("said", f"{variant.name} login: {medians}; p = {alike:.3f}")
        assert alike > ALPHA


def same_distribution(one: list[float], other: list[float]) -> float:
    """
    Return the p-value of the hypothesis that both samples have the same distribution.

    This is the Mann-Whitney U test, with the normal approximation for large samples.
    """
    ranked = sorted([*((x, 0) for x in one), *((x, 1) for x in other)])
    ranks = sum(rank for rank, (_, source) in enumerate(ranked, 1) if source == 0)
    n, m = len(one), len(other)
    u = ranks - n * (n + 1) / 2
    deviation = (n * m * (n + m + 1) / 12) ** 0.5
    return 2 * NormalDist().cdf(-abs(u - n * m / 2) / deviation)


class TestStatistic:
    def test_detects_a_shift_of_half_a_standard_deviation(self):
        """This shows that the test above can detect a difference."""
        dice = random.Random(1)  # a sample, not a secret
        one = [dice.gauss(30, 1) for _ in range(TRIES)]
        other = [dice.gauss(30.5, 1) for _ in range(TRIES)]

        assert same_distribution(one, other) < ALPHA
        assert same_distribution(one, [dice.gauss(30, 1) for _ in one]) > ALPHA
