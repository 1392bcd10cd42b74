"""
A plugin that checks that the whole suite meets every documented answer of the service's operations.

Tests run in several processes, so each reports the answers that it met to the first. A partial run is
not checked. For an application's operations, the answers that were not met are only printed.
"""

import re
from typing import Any
from uuid import UUID

import pytest
from django.urls import Resolver404, resolve

from authapi.testing.client import contract
from authapi.testing.contract import Promise


class Met:
    """The state of the run in this process."""

    def __init__(self, config: pytest.Config) -> None:
        self.whole = _asks_for_all(config)
        self.unmet: list[Promise] = []
        self.left: list[Promise] = []

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: Any) -> None:
        """Collect the answers met by one of xdist's processes, unless it crashed."""
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
            terminalreporter.section("promised, but never met", red=True)
            for promise in self.unmet:
                terminalreporter.write_line(str(promise))
            terminalreporter.write_line(
                "The document promises these answers, but no test meets them."
                " Write a test for each, or remove it from the document."
            )
        if self.left:
            terminalreporter.section("promised by your operations, but never met")
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
    """Whether the run has no files or selection other than those of the settings."""
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
