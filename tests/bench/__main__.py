"""``python -m tests.bench gate`` compares the counts of this service with their bounds."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench import environments
from tests.bench.bounds import BOUNDS, figures
from tests.bench.catalog import BARE, OURS, TUTORIAL
from tests.bench.count import count


def main(command: str) -> None:
    with TemporaryDirectory() as folder:
        if command == "gate":
            gate(Path(folder))


def gate(folder: Path) -> None:
    """Print each figure beside its bound and its goal. Exit with 1 if one is exceeded."""
    systems = (OURS, TUTORIAL, BARE)
    environments.build(systems)
    found = figures(count(systems, folder))
    lines = [f"{'':32}{'figure':>8}{'bound':>8}{'goal':>8}"]
    failed = 0
    for row in BOUNDS:
        figure = found[row.figure]
        exceeded = figure > row.bound
        failed += exceeded
        verdict = "exceeded" if exceeded else "reached" if figure <= row.goal else ""
        lines.append(
            f"{row.figure:32}{figure:8.2f}{row.bound:8g}{row.goal:8g}  {verdict}".rstrip()
        )
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.write(f"{len(BOUNDS) - failed} passed, {failed} failed\n")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main(*sys.argv[1:])
