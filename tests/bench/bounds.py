"""
What ``make bench-gate`` holds: each figure of this service with its bound, and the goal behind it.

Figures are instructions of a request as a multiple of a bare Django view's, unless they say otherwise.
A bound is 4 % more than was reached, because the layout of memory moves a figure by up to 1 %.
"""

from typing import NamedTuple

from tests.bench.catalog import OURS, TUTORIAL
from tests.bench.count import Count, unit


class Row(NamedTuple):
    figure: str
    bound: float
    goal: float


BOUNDS = (
    Row("profile, a token seen before", 3.07, 3.0),
    Row("profile, a new token", 5.0, 5.5),
    Row("verify", 4.1, 4),
    Row("refresh", 8.35, 7.2),
    Row("refresh, of the usual set-up's", 0.44, 0.40),
    Row("login", 17.9, 9),
    Row("login, SQL statements", 16, 7),
    Row("login, commits", 2, 2),
    Row("login from a new place", 18.5, 12),
    Row("schema", 1.81, 1.2),
    Row("schema, 304", 1.95, 1.1),
    Row("sessions, 20 rows", 15.5, 8),
    Row("start, of the usual set-up's", 2.28, 1.0),
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
