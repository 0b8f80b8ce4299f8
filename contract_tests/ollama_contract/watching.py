"""The plugin that makes a `Result` of what pytest runs, and tells somebody how far it is."""

from __future__ import annotations

import time
from collections.abc import Generator
from datetime import UTC, datetime
from typing import Any, Protocol

import pytest

from ollama_contract.checking import SHEET, Finding, FindingsError, text
from ollama_contract.contract import Operation
from ollama_contract.oracle import Comparison
from ollama_contract.outcomes import Outcome, Result, Verdict
from ollama_contract.recording import redacted
from ollama_contract.target import Target

TARGET = pytest.StashKey[Target]()
"""Where the configuration has the server under test, once it is known."""

COMPARED = pytest.StashKey[Comparison]()
"""Where it has what a second server answers otherwise, once both were asked."""


class Listener(Protocol):
    """Who is told while the tests run."""

    def planned(self, number: int) -> None:
        """There are so many tests."""

    def started(self, group: str, title: str) -> None:
        """This one begins."""

    def ended(self, outcome: Outcome) -> None:
        """This one has ended so."""


class Watcher:
    """Fills `result`; `secret` never gets into it."""

    def __init__(self, listener: Listener, secret: str | None) -> None:
        self.result = Result(began=datetime.now(UTC).isoformat(timespec="seconds"))
        self._listener, self._secret = listener, secret
        self._began = time.monotonic()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._listener.planned(len(session.items))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.result.problem = f"a file of the suite cannot be read: {report.longreprtext}"

    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        self._listener.started(group(item), title(item))

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        self.result.problem = str(excinfo.value) or "interrupted"

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        self.result.seconds = time.monotonic() - self._began
        target = session.config.stash.get(TARGET, None)
        if target is not None:
            self.result.target = target.facts()
        self.result.comparison = session.config.stash.get(COMPARED, None)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if report.when == "call" or not report.passed:
            outcome = self._outcome(item, call, report)
            if outcome.findings:
                # For the JUnit file: what was found, not where in the suite it was noticed.
                report.longrepr = "\n\n".join(text(finding) for finding in outcome.findings)
            self.result.outcomes.append(outcome)
            self._listener.ended(outcome)
        return report

    def _outcome(
        self, item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport
    ) -> Outcome:
        sheet = item.stash.get(SHEET, None)
        requested = named(item) | (sheet.recorder.endpoints if sheet is not None else set())
        stated: dict[str, Any] = {"endpoints": frozenset(requested), "seconds": report.duration}
        verdict, reason = Verdict.PASSED, ""
        findings: tuple[Finding, ...] = ()
        if report.skipped:
            verdict, reason = Verdict.NOT_APPLICABLE, _reason(report)
        elif report.failed:
            verdict, findings = Verdict.FAILED, self._findings(item, call)
        return Outcome(
            title(item), group(item), verdict, reason=reason, findings=findings, **stated
        )

    def _findings(self, item: pytest.Item, call: pytest.CallInfo[None]) -> tuple[Finding, ...]:
        error = call.excinfo.value if call.excinfo else None
        if isinstance(error, FindingsError):
            return error.findings
        sheet = item.stash.get(SHEET, None)
        exchange = sheet.recorder.last() if sheet else None
        broken = redacted(f"{type(error).__name__}: {error}", self._secret)
        expected = "what the test asserts" if isinstance(error, AssertionError) else "no exception"
        endpoint = exchange.endpoint if exchange else ""
        return (Finding(endpoint, title(item), expected, broken, exchange),)


def _reason(report: pytest.TestReport) -> str:
    stated = report.longrepr
    written = stated[2] if isinstance(stated, tuple) else str(stated)
    return written.removeprefix("Skipped: ")


def named(item: pytest.Item) -> set[str]:
    """The endpoints that a test says it is about, by the operation it is given or by a marker."""
    found = {str(name) for marker in item.iter_markers("endpoint") for name in marker.args}
    given = getattr(item, "callspec", None)
    for value in given.params.values() if given else ():
        if isinstance(value, Operation):
            found.add(value.endpoint)
    return found


def title(item: pytest.Item) -> str:
    """What a test is about: its name as a sentence, and its case."""
    name, bracket, case = item.name.partition("[")
    return name.removeprefix("test_").replace("_", " ") + (f" [{case}" if bracket else "")


def group(item: pytest.Item) -> str:
    """What the file of a test is about: the first line of its docstring."""
    stated = getattr(getattr(item, "module", None), "__doc__", None) or item.nodeid
    return str(stated).strip().partition("\n")[0]
