"""
The table of requirements in ``SECURITY.md``: the sections of standards, and the tests that prove them.

``requirements.toml`` lists the sections. A test names those that it proves in its mark ``requirement``.

    python -m tests.requirements [--check]
"""

import sys
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "SECURITY.md"
BEGIN, END = "<!-- requirements: begin -->\n", "<!-- requirements: end -->"
# A section has at most one of these, with the reason.
STATES = {
    "partly": "Partly met",
    "not_met": "Not met",
    "not_applicable": "Not applicable",
}
# How many tests a row names.
SHOWN = 3

Listed = Mapping[str, Mapping[str, str]]
Proofs = Mapping[str, list[str]]


class Marks:
    """A plugin for pytest that notes the ids of the tests, classes and modules that have the mark."""

    def __init__(self) -> None:
        self.proofs: dict[str, list[str]] = defaultdict(list)
        self.failed: list[str] = []

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failed.append(str(report.longrepr))

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        for node, mark in item.iter_markers_with_node("requirement"):
            name = node.nodeid.partition("[")[0]
            for section in mark.args:
                if name not in self.proofs[section]:
                    self.proofs[section].append(name)


def sections() -> Listed:
    return tomllib.loads((ROOT / "tests" / "requirements.toml").read_text())


def collected() -> Proofs:
    """Collect all tests of the suite, the deselected ones too."""
    marks = Marks()
    quiet = ("-pno:terminal", "-pno:cacheprovider")
    options = ("--collect-only", "--override-ini=addopts=", *quiet)
    status = pytest.main([*options, str(ROOT / "tests")], plugins=[marks])
    if status or marks.failed:
        sys.exit("\n".join(["The tests cannot be collected.", *marks.failed]))
    return marks.proofs


def mistakes(listed: Listed, proofs: Proofs) -> Iterator[str]:
    for section in sorted(proofs.keys() - listed.keys()):
        yield f"{proofs[section][0]} names {section}, which requirements.toml lacks."
    for section, row in listed.items():
        states = row.keys() & STATES
        if len(states) > 1 or row.keys() - STATES != {"demands"}:
            yield f"{section} needs `demands`, and at most one of {', '.join(STATES)}."
        elif section not in proofs and not states & {"not_met", "not_applicable"}:
            yield f"{section} has no test. Write one, or say why it is not met."
        elif section in proofs and states & {"not_met", "not_applicable"}:
            yield f"{section} has a test, {proofs[section][0]}. Remove its reason."


def table(listed: Listed, proofs: Proofs) -> str:
    states = Counter(state for row in listed.values() for state in row.keys() & STATES)
    counts = ", ".join(f"{states[state]} {STATES[state].lower()}" for state in STATES)
    lines = [
        f"{len(listed)} sections: {len(listed) - states.total()} met, {counts}.",
        *("", "| Section | What it demands | Proven by |", "|---|---|---|"),
    ]
    for section, row in listed.items():
        reasons = [f"**{STATES[s]}**: {row[s]}" for s in row.keys() & STATES]
        named = proofs.get(section, [])
        shown = ", ".join(map(_link, named[:SHOWN]))
        more = f", +{len(named) - SHOWN}" if len(named) > SHOWN else ""
        proven = " ".join(filter(None, [*reasons, shown + more]))
        lines.append(f"| {section} | {row['demands']} | {proven} |")
    return "\n".join(lines) + "\n"


def _link(name: str) -> str:
    file, _, rest = name.partition("::")
    short = "::".join(filter(None, (Path(file).stem, rest.rpartition("::")[2])))
    return f"[`{short}`]({file})"


def page(text: str, table: str) -> str:
    """Return the page *text* with this table, or exit if it has no place for it."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        sys.exit(f"SECURITY.md needs the lines {BEGIN.strip()} and {END}.")
    return f"{head}{begin}\n{table}\n{end}{tail}"


def main() -> None:
    listed, proofs, text = sections(), collected(), PAGE.read_text()
    wrong = [*mistakes(listed, proofs)]
    if wrong:
        sys.exit("\n".join(wrong))
    current = page(text, table(listed, proofs))
    if "--check" not in sys.argv:
        PAGE.write_text(current)
    elif current != text:
        sys.exit("SECURITY.md is not current. Run: make requirements")


if __name__ == "__main__":
    main()
