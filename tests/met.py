"""
A plugin: the whole suite meets every answer that the document promises, or it fails.

Tests run in several processes, so each tells the first what it has met. A run of some files or some
tests meets less, and nothing is asked of it.
"""

from collections.abc import Iterable
from typing import Any

import pytest

from tests.contract import served


class Met:
    """What this process knows of the run."""

    def __init__(self) -> None:
        self.left_out = False
        self.whole = False
        self.unmet: list[tuple[str, str]] = []

    def pytest_deselected(self, items: Iterable[Any]) -> None:
        self.left_out = True

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """A whole run has tests of every file, and leaves none out."""
        files = set((session.config.rootpath / "tests").glob("test_*.py"))
        self.whole = files <= {item.path for item in session.items}

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: Any) -> None:
        """Take over what one of xdist's processes has met; one that crashed tells nothing."""
        told = getattr(node, "workeroutput", {}).get("met")
        if told is None:
            self.left_out = True
        else:
            self.whole = True
            served().met.update(map(tuple, told))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        stopped = session.shouldstop or session.shouldfail
        whole = self.whole and not (self.left_out or stopped)
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output["met"] = sorted(served().met) if whole else None
        elif whole and not session.config.option.collectonly:
            self.unmet = sorted(served().promised() - served().met)
            if self.unmet and exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter
    ) -> None:
        if self.unmet:
            terminalreporter.section("promised, and never met", red=True)
            for operation, status in self.unmet:
                terminalreporter.write_line(f"{operation} answers {status}")
            terminalreporter.write_line(
                "The document promises these answers, and no test has met them."
                " Write one that does, or take them out of the document."
            )


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Met())
