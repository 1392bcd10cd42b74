"""
What ``make bench-gate`` holds: each figure of this service with its bound, and the goal behind it.

Figures are instructions of a request as a multiple of a bare Django view's, unless they say otherwise.
A bound is the goal, or 3 % more than was reached.
"""

from typing import NamedTuple

from tests.bench.catalog import OURS, TUTORIAL
from tests.bench.count import Count, unit


class Row(NamedTuple):
    figure: str
    bound: float
    goal: float


BOUNDS = (
    Row("profile, a token seen before", 10.9, 3.0),
    Row("profile, a new token", 10.9, 5.5),
    Row("verify", 11.8, 4),
    Row("refresh", 13.1, 7.2),
    Row("refresh, of the usual set-up's", 0.69, 0.40),
    Row("login", 33.4, 9),
    Row("login, SQL statements", 17, 7),
    Row("login, commits", 7, 2),
    Row("login from a new place", 71.5, 12),
    Row("schema", 2.5, 1.2),
    Row("schema, 304", 2.65, 1.1),
    Row("sessions, 20 rows", 28, 8),
    Row("start, of the usual set-up's", 2.25, 1.0),
)


def figures(counts: dict[str, Count]) -> dict[str, float]:
    """Compute the figures of ``BOUNDS`` from counts of one run."""
    ours, tutorial = counts[OURS.name], counts[TUTORIAL.name]
    one = unit(counts)
    times = {name: count / one for name, count in ours.instructions.items()}
    return {
        "profile, a token seen before": times["profile"],
        "profile, a new token": times["profile_new"],
        "verify": times["verify"],
        "refresh": times["refresh"],
        "refresh, of the usual set-up's": ours.instructions["refresh"]
        / tutorial.instructions["refresh"],
        "login": times["login"],
        "login, SQL statements": ours.statements("login"),
        "login, commits": ours.commits("login"),
        "login from a new place": times["login_new_place"],
        "schema": times["schema"],
        "schema, 304": times["schema_304"],
        "sessions, 20 rows": times["sessions"],
        "start, of the usual set-up's": ours.start / tutorial.start,
    }
