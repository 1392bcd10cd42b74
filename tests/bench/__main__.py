"""
``python -m tests.bench all`` measures every system and draws ``bench.svg``.

``python -m tests.bench gate`` counts this service alone, and compares it with ``bounds.py``.
"""

import sys
from pathlib import Path
from statistics import median

from tests.bench import environments
from tests.bench.bounds import BOUNDS, figures
from tests.bench.catalog import BARE, OURS, SYSTEMS, TUTORIAL
from tests.bench.chart import NOTE, chart, headline
from tests.bench.count import Count, count, unit
from tests.bench.load import OPERATIONS, Server, load, p95, spread

PICTURE = Path(__file__).with_name("bench.svg")


def main(command: str) -> None:
    {"all": everything, "gate": gate}[command]()


def everything() -> None:
    """Print all tables, and draw the picture."""
    environments.build(SYSTEMS.values())
    with environments.work() as folder:
        counts = count(SYSTEMS.values(), folder)
        _print_counts(counts)
        PICTURE.write_text(chart(counts))
        servers = load(SYSTEMS.values(), folder)
    _print_servers(servers)
    ours, tutorial = (
        f"{counts[system.name].instructions['profile'] / unit(counts):.1f}"
        for system in (OURS, TUTORIAL)
    )
    _print(f"\n{NOTE}\n{headline(ours, tutorial)}")


def gate() -> None:
    """Print each figure beside its bound and its goal. Exit with 1 if a bound is exceeded."""
    systems = (OURS, TUTORIAL, BARE)
    environments.build(systems)
    with environments.work() as folder:
        found = figures(count(systems, folder))
    _print(f"{'':32}{'figure':>8}{'bound':>8}{'goal':>8}")
    failed = 0
    for row in BOUNDS:
        figure = found[row.figure]
        failed += figure > row.bound
        verdict = "exceeded" if figure > row.bound else ""
        if figure <= row.goal:
            verdict = "goal reached"
        _print(
            f"{row.figure:32}{figure:8.2f}{row.bound:8g}{row.goal:8g}  {verdict}".rstrip()
        )
    _print(f"{len(BOUNDS) - failed} passed, {failed} failed")
    sys.exit(bool(failed))


def _print_counts(counts: dict[str, Count]) -> None:
    one = unit(counts)
    operations = list(counts[OURS.name].instructions)
    _print(
        f"Instructions per request, as a multiple of a bare Django view "
        f"({one / 1000:.0f} thousand); start in thousand millions\n"
    )
    _print_row("", *(operation.replace("_", " ") for operation in operations), "start")
    _print_row(*["---"] * (len(operations) + 2))
    for name, counted in counts.items():
        times = (
            f"{counted.instructions[operation] / one:.1f}"
            if operation in counted.instructions
            else "-"
            for operation in operations
        )
        _print_row(SYSTEMS[name].title, *times, f"{counted.start / 1e9:.2f}")


def _print_servers(servers: list[Server]) -> None:
    tables = {
        "CPU per request, in ms": (lambda server: server.cpu, 2),
        "Requests per second on one worker": (lambda server: server.rates, 0),
    }
    for title, (values, digits) in tables.items():
        _print(f"\n{title}: median (range)\n")
        _print_row("", *OPERATIONS)
        _print_row(*["---"] * (len(OPERATIONS) + 1))
        for server in servers:
            cells = (
                spread(values(server)[operation], digits)
                if operation in values(server)
                else "-"
                for operation in OPERATIONS
            )
            _print_row(server.system.title, *cells)
    _print("\nProfile while 40 clients log in, in ms\n")
    _print_row("", "alone p50", "p95", "in the storm p50", "p95", "ratio", "answers")
    _print_row(*["---"] * 7)
    for server in servers:
        if server.alone:
            alone, stormed = median(server.alone), median(server.stormed)
            _print_row(
                server.system.title,
                *(f"{alone:.1f}", f"{p95(server.alone):.1f}"),
                *(f"{stormed:.1f}", f"{p95(server.stormed):.1f}"),
                f"{stormed / alone:.0f}",
                ", ".join(f"{n} × {status}" for status, n in server.logins.items()),
            )


def _print_row(*cells: str) -> None:
    _print(f"| {' | '.join(cells)} |")


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
