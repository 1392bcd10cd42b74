"""
A plugin: the whole suite meets every answer that the document promises, or it fails.

Tests run in several processes, so each tells the first what it has met. A run of some files or some
tests meets less, and nothing is asked of it.
"""

from typing import Any

import pytest

from tests.contract import served


class Met:
    """What this process knows of the run."""

    def __init__(self, config: pytest.Config) -> None:
        self.whole = _asks_for_all(config)
        self.unmet: list[tuple[str, str]] = []

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: Any) -> None:
        """Take over what one of xdist's processes has met; one that crashed tells nothing."""
        told = getattr(node, "workeroutput", {}).get("met")
        if told is None:
            self.whole = False
        else:
            served().met.update(map(tuple, told))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output["met"] = sorted(served().met)
        elif self.whole and not (session.shouldstop or session.shouldfail):
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


def _asks_for_all(config: pytest.Config) -> bool:
    """Whether no file and no selection was named but what the settings name."""
    option, addopts = config.option, config.getini("addopts")
    usual = addopts[addopts.index("-m") + 1] if "-m" in addopts else ""
    return (
        config.args_source is pytest.Config.ArgsSource.TESTPATHS
        and option.markexpr == usual
        and not (option.keyword or option.deselect or option.lf or option.collectonly)
    )


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Met(config))
