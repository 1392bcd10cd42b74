"""
A plugin: the whole suite meets every answer that the document promises of our operations.

Tests run in several processes, so each tells the first what it has met. A run of some files or some
tests meets less, and nothing is asked of it. What the operations of an application promise is for
their tests to meet: what is left is printed, and fails nothing.
"""

import re
from typing import Any
from uuid import UUID

import pytest
from django.urls import Resolver404, resolve

from authapi.testing.client import contract
from authapi.testing.contract import Promise


class Met:
    """What this process knows of the run."""

    def __init__(self, config: pytest.Config) -> None:
        self.whole = _asks_for_all(config)
        self.unmet: list[Promise] = []
        self.left: list[Promise] = []

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: Any) -> None:
        """Take over what one of xdist's processes has met; one that crashed tells nothing."""
        told = getattr(node, "workeroutput", {}).get("met")
        if told is None:
            self.whole = False
        else:
            contract().met.update(Promise(*met) for met in told)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output["met"] = [tuple(met) for met in sorted(contract().met)]
        elif self.whole and not (session.shouldstop or session.shouldfail):
            unmet = sorted(contract().promised() - contract().met)
            ours = _ours()
            self.unmet = [promise for promise in unmet if promise.operation in ours]
            self.left = [promise for promise in unmet if promise.operation not in ours]
            if self.unmet and exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter
    ) -> None:
        if self.unmet:
            terminalreporter.section("promised, and never met", red=True)
            for promise in self.unmet:
                terminalreporter.write_line(str(promise))
            terminalreporter.write_line(
                "The document promises these answers, and no test has met them."
                " Write one that does, or take them out of the document."
            )
        if self.left:
            terminalreporter.section("promised by your operations, and not met")
            for promise in self.left:
                terminalreporter.write_line(str(promise))


def _ours() -> set[str]:
    """The operations whose views stand in ``authapi``."""
    found = set()
    for _, path, operation in contract().operations():
        try:
            view: Any = resolve(re.sub(r"{\w+}", str(UUID(int=0)), path)).func
        except Resolver404:
            continue
        if view.__module__.startswith("authapi."):
            found.add(operation["operationId"])
    return found


def _asks_for_all(config: pytest.Config) -> bool:
    """Whether no file and no selection was named but what the settings name."""
    option, addopts = config.option, config.getini("addopts")
    usual = addopts[addopts.index("-m") + 1] if "-m" in addopts else ""
    return (
        config.args_source is pytest.Config.ArgsSource.TESTPATHS
        and option.markexpr == usual
        and not (option.keyword or option.deselect or option.collectonly)
        # Without pytest's cache there is no such option.
        and not getattr(option, "lf", False)
    )


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Met(config))
