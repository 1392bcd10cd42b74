"""
Changes the code on purpose, one expression at a time, and reports each change that no test notices.

fermut makes the changes, chooses the tests by the lines that they execute, and saves its results in
``.fermut`` after each module, so an interrupted run continues there. This adds what it lacks here: a map of
the tests without those that start a browser, a server or an installation; tests for the lines
that run once, at import; fast processes (``forks.py``); and a list of equivalent changes.

    python -m tests.mutants [--since COMMIT] [--floor PERCENT] [PATH ...]
"""

import argparse
import ast
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from coverage import CoverageData

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
STATE = ROOT / ".fermut"
ORDER = STATE / "order.json"
PACKAGES = ("authapi", "schema", "project")
PYTEST = ("--override-ini=addopts=", "--assert=plain", "-pno:cacheprovider")
# Left out: further values for what another operator does; None for any value, which ends in an
# exception wherever the value is used; and annotations, which mypy checks.
REDUNDANT = (
    *("arg-to-none", "assign-value-to-none"),
    *("string-sentinel", "number-to-zero", "number-to-neg", "bytes-sentinel"),
    *(
        "none-to-value",
        "optional-type-drop",
        "numeric-type-swap",
        "container-type-swap",
    ),
)
COLUMNS = ("killed", "timed_out", "survived", "justified", "unreached")
STATUSES = {
    "errored": "killed",
    "equivalent": "justified",
    "skipped": "unreached",
}
UNREACHED = "Unreached: executed only by tests that are left out here as too slow."
Outcome = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0].strip())
    parser.add_argument("--since", help="only lines changed since this commit")
    parser.add_argument("--floor", type=float, default=90, help="percentage (90)")
    parser.add_argument("--jobs", default=str(os.cpu_count()))
    parser.add_argument("paths", nargs="*", default=PACKAGES)
    options = parser.parse_args()

    os.chdir(ROOT)
    STATE.mkdir(exist_ok=True)
    tests = _tests_by_line()
    modules = _modules(options.paths, options.since)
    outcomes = []
    with _forks() as environment:
        for number, module in enumerate(modules, 1):
            print(f"mutants: {number}/{len(modules)} {module}", flush=True)
            start = time.monotonic()
            found = _fermut(module, tests, options, environment)
            _print_survivors(found)
            print(f"mutants: {time.monotonic() - start:.0f} seconds", flush=True)
            outcomes += found
    sys.exit(_report(outcomes, options.floor))


def _modules(paths: Sequence[str], since: str | None) -> list[str]:
    """The modules in *paths*, in this order, if they changed since the commit."""
    listed: tuple[str, ...]
    if since:
        listed = ("diff", "--name-only", "--diff-filter=d", since, "--")
    else:
        listed = ("ls-files", "-co", "--exclude-standard")
    modules = dict.fromkeys(module for path in paths for module in _git(*listed, path))
    return [
        module
        for module in modules
        if module.endswith(".py") and "/migrations/" not in module
    ]


def _git(*arguments: str) -> list[str]:
    return subprocess.run(
        ["git", *arguments], check=True, capture_output=True, text=True
    ).stdout.split()


def _tests_by_line() -> Path:
    """Run the suite and save which tests execute each line, unless nothing changed since last time."""
    selection = ("tests/mutants/selection.py", ":(glob)tests/*.py")
    files = _git("ls-files", "-co", "--exclude-standard", *PACKAGES, *selection)
    state = sha256(b"".join(Path(name).read_bytes() for name in sorted(files)))
    result = STATE / f"tests-{state.hexdigest()[:16]}"
    if not result.exists():
        print("mutants: find out which tests execute each line", flush=True)
        raw = STATE / "coverage"
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "--quiet", "--cov-report="),
                *("--cov-context=test", "-p", "tests.mutants.selection"),
            ],
            check=False,
            env={**os.environ, "COVERAGE_FILE": str(raw)},
        )
        if done.returncode:
            sys.exit("mutants: some tests fail without any change. Fix them first.")
        _complete(CoverageData(str(raw)), CoverageData(str(result)))
    return result


def _complete(raw: CoverageData, result: CoverageData) -> None:
    """
    Write *raw* to *result*, and the order of the tests beside it.

    A line that runs at import belongs to every test, because each may depend on it.
    """
    raw.read()
    called: dict[str, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    imported = {}
    for file in raw.measured_files():
        source = Path(file).read_text()
        inside = set(_lines_of_functions(ast.parse(source)))
        imported[file] = {*range(1, source.count("\n") + 2)} - inside
        for line, contexts in raw.contexts_by_lineno(file).items():
            for test in {_function(context) for context in contexts} - {""}:
                called[test][file] |= {line} & inside
    for test in sorted(called):
        result.set_context(f"{test}|run")
        result.add_lines(
            {file: lines | called[test][file] for file, lines in imported.items()}
        )
    result.write()
    ORDER.write_text(json.dumps(_most_different_first(called)))


def _most_different_first(called: dict[str, dict[str, set[int]]]) -> list[str]:
    """Order the tests so that each executes as many lines as possible that none before does."""
    remaining = {
        test: {(file, line) for file, lines in files.items() for line in lines}
        for test, files in sorted(called.items())
    }
    order: list[str] = []
    while remaining:
        best = max(remaining, key=lambda test: len(remaining[test]))
        executed = remaining.pop(best)
        order.append(best)
        if executed:
            for lines in remaining.values():
                lines -= executed
    return order


def _function(context: str) -> str:
    """A test without its parameters, which may contain anything."""
    return context.partition("|")[0].partition("[")[0]


def _lines_of_functions(tree: ast.Module) -> Iterator[int]:
    """The lines that run when a function is called, not when its module is imported."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from range(node.body[0].lineno, (node.end_lineno or 0) + 1)


@contextmanager
def _forks() -> Iterator[dict[str, str]]:
    """Run ``forks.py``, and give the environment in which ``tests/mutants/python`` finds it."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/forks"
        server = subprocess.Popen([sys.executable, str(HERE / "forks.py"), path])
        try:
            while not Path(path).exists() and server.poll() is None:
                time.sleep(0.1)
            yield {**os.environ, "MUTANTS_SOCKET": path, "MUTANTS_ORDER": str(ORDER)}
        finally:
            server.terminate()
            server.wait()


def _fermut(
    module: str,
    tests: Path,
    options: argparse.Namespace,
    environment: dict[str, str],
) -> list[Outcome]:
    """Run fermut on a module and return what happened to each mutant."""
    report = STATE / "report.json"
    since = ["--since", options.since] if options.since else []
    subprocess.run(
        [
            *(str(Path(sys.executable).with_name("fermut")), "--quiet", "run", module),
            *("--tests", "tests", "--coverage", str(tests), "--no-verify-baseline"),
            "--no-ty-filter",
            *("--python", str(HERE / "python"), "--jobs", options.jobs),
            *("--timeout", "600", "--no-fail", "--no-history"),
            *("--experimental", "--skip-ops", ",".join(REDUNDANT)),
            *(f"--pytest-arg={argument}" for argument in PYTEST),
            *("--json", str(report), *since),
        ],
        check=True,
        env=environment,
        stdout=subprocess.DEVNULL,  # the same as in the report
    )
    outcomes: list[Outcome] = json.loads(report.read_text())["outcomes"]
    if Path(environment["MUTANTS_SOCKET"] + ".failed").exists():
        # The next run would take the results from there.
        (STATE / "cache.json").unlink(missing_ok=True)
        sys.exit(f"mutants: pytest did not run for every mutant of {module}.")
    return outcomes


def _print_survivors(outcomes: Iterable[Outcome]) -> None:
    for status, mutant in _judged(outcomes):
        if status == "survived":
            print(f"\n{mutant['file']}:{mutant['number']} ({mutant['operator']})")
            for sign, lines in (("-", mutant["before"]), ("+", mutant["after"])):
                print("\n".join(f"{sign}{line}" for line in lines.split("\n")))


def _report(outcomes: Iterable[Outcome], floor: float) -> bool:
    """Print the table. Return whether the floor was missed."""
    table: dict[str, Counter[str]] = {}
    for status, mutant in _judged(outcomes):
        table.setdefault(mutant["file"], Counter())[status] += 1
    titles = ("mutants", *COLUMNS)
    print(f"\n{'module':44}", *(f"{title:>10}" for title in titles))
    table["all"] = sum(table.values(), Counter())
    for file, counts in table.items():
        numbers = (counts.total(), *(counts[title] for title in COLUMNS))
        print(f"{file:44}", *(f"{number:10}" for number in numbers))
    killed = table["all"]["killed"] + table["all"]["timed_out"]
    survived = table["all"]["survived"]
    share = 100 * killed / (killed + survived) if killed + survived else 100
    print(f"\n{share:.1f} % killed; the floor is {floor:g} %. {UNREACHED}")
    moved = [
        key for key in _accepted() if key[1] not in _flat(Path(key[0]).read_text())
    ]
    for file, before, _ in moved:
        print(f"equivalent.toml: {file} has no line like this any more: {before}")
    return share < floor or bool(moved)


def _judged(outcomes: Iterable[Outcome]) -> Iterator[tuple[str, Outcome]]:
    """Yield the status and the description of each mutant."""
    accepted = _accepted()
    for outcome in outcomes:
        if outcome["status"] == "skipped" and outcome["filter"] != "coverage":
            continue
        mutant = _described(outcome["mutant"])
        status = str(STATUSES.get(outcome["status"], outcome["status"]))
        justified = status == "survived" and _key(mutant) in accepted
        yield "justified" if justified else status, mutant


def _accepted() -> set[tuple[str, ...]]:
    """The mutants in ``equivalent.toml``."""
    listed = tomllib.loads((HERE / "equivalent.toml").read_text())
    return {_key(entry) for entry in listed["equivalent"]}


def _described(mutant: Outcome) -> Outcome:
    """A mutant with its whole lines before and after."""
    file = Path(mutant["file"])
    source = file.read_bytes()
    start, end = mutant["range"]
    first = source.rfind(b"\n", 0, start) + 1
    last = source.find(b"\n", end)
    before = source[first:last].decode()
    after = (
        source[first:start] + mutant["replacement"].encode() + source[end:last]
    ).decode()
    return {
        "file": str(file.relative_to(ROOT)),
        "number": mutant["line"],
        "operator": mutant["operator"],
        "before": before,
        "after": after,
    }


def _key(mutant: Outcome) -> tuple[str, ...]:
    """What identifies a mutant when lines move."""
    return mutant["file"], _flat(mutant["before"]), _flat(mutant["after"])


def _flat(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    # Terminated, end fermut and the forks, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    main()
