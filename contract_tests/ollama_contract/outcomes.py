"""What came of a run: outcomes of tests, a verdict for every endpoint, a score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any

from ollama_contract import oracle
from ollama_contract.checking import Finding
from ollama_contract.contract import operations
from ollama_contract.oracle import Comparison


class Verdict(StrEnum):
    """Of a test or of an endpoint."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not applicable"
    NOT_TESTED = "not tested"


class ExitStatus(IntEnum):
    """Of the command."""

    WELL = 0
    FINDINGS = 1
    IMPOSSIBLE = 2


@dataclass(frozen=True)
class Outcome:
    """One test: its verdict, why it does not apply or what it found, what it asked."""

    title: str
    group: str
    verdict: Verdict
    endpoints: frozenset[str] = frozenset()
    reason: str = ""
    findings: tuple[Finding, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True)
class Row:
    """An endpoint with the number of tests that asked it, by their verdict."""

    endpoint: str
    verdict: Verdict
    passed: int
    failed: int
    not_applicable: int


@dataclass(frozen=True)
class Group:
    """Findings that say the same of the same endpoint: the first, and the titles of all tests."""

    finding: Finding
    titles: tuple[str, ...]


@dataclass
class Result:
    """A whole run against one server; `target` says which, for people."""

    target: Mapping[str, Any] = field(default_factory=dict)
    began: str = ""
    seconds: float = 0.0
    outcomes: list[Outcome] = field(default_factory=list)
    problem: str = ""
    """Why the run could not be made, or not to its end."""
    comparison: Comparison | None = None
    """With a second server, where there is one: information, no verdict."""

    def count(self, verdict: Verdict) -> int:
        return sum(outcome.verdict is verdict for outcome in self.outcomes)

    @property
    def applicable(self) -> int:
        """The tests that could show something: what does not apply is no pass."""
        return self.count(Verdict.PASSED) + self.count(Verdict.FAILED)

    @property
    def percent(self) -> int:
        """Passed of the applicable, rounded down: 100 is said only when everything passed."""
        return 100 * self.count(Verdict.PASSED) // self.applicable if self.applicable else 0

    @property
    def status(self) -> ExitStatus:
        """1 when anything was found, 2 when nothing could be tested."""
        if self.problem or not self.applicable:
            return ExitStatus.IMPOSSIBLE
        return ExitStatus.FINDINGS if self.count(Verdict.FAILED) else ExitStatus.WELL

    def rows(self) -> list[Row]:
        """Every operation of the contract in its order, then where else something was found."""
        known = [one.endpoint for one in operations()]
        named = {one.endpoint for outcome in self.outcomes for one in outcome.findings}
        return [self._row(name) for name in (*known, *sorted(named.difference(known)))]

    def _row(self, endpoint: str) -> Row:
        passed = failed = without = 0
        for outcome in self.outcomes:
            if any(finding.endpoint == endpoint for finding in outcome.findings):
                failed += 1
            elif endpoint in outcome.endpoints:
                passed += outcome.verdict is Verdict.PASSED
                without += outcome.verdict is Verdict.NOT_APPLICABLE
        verdict = Verdict.NOT_TESTED
        if failed:
            verdict = Verdict.FAILED
        elif passed:
            verdict = Verdict.PASSED
        elif without:
            verdict = Verdict.NOT_APPLICABLE
        return Row(endpoint, verdict, passed, failed, without)

    def findings(self) -> list[Group]:
        """What was found, each thing once, by endpoint in the order of the rows."""
        order = {row.endpoint: number for number, row in enumerate(self.rows())}
        groups: dict[tuple[str, str], list[tuple[Finding, str]]] = {}
        for outcome in self.outcomes:
            for finding in outcome.findings:
                key = (finding.endpoint, finding.expected)
                groups.setdefault(key, []).append((finding, outcome.title))
        made = [
            Group(stated[0][0], tuple(dict.fromkeys(title for _, title in stated)))
            for stated in groups.values()
        ]
        return sorted(made, key=lambda group: order.get(group.finding.endpoint, len(order)))

    def reasons(self) -> dict[str, list[str]]:
        """Why tests do not apply, with the titles of those tests."""
        found: dict[str, list[str]] = {}
        for outcome in self.outcomes:
            if outcome.verdict is Verdict.NOT_APPLICABLE:
                found.setdefault(outcome.reason, []).append(outcome.title)
        return found


def as_data(result: Result) -> dict[str, Any]:
    """The result for a JSON file."""
    return {
        "target": dict(result.target),
        "began": result.began,
        "seconds": round(result.seconds, 1),
        "problem": result.problem,
        "exit_status": int(result.status),
        "score": {
            "percent": result.percent,
            "passed": result.count(Verdict.PASSED),
            "failed": result.count(Verdict.FAILED),
            "not_applicable": result.count(Verdict.NOT_APPLICABLE),
        },
        "endpoints": [
            {
                "endpoint": row.endpoint,
                "verdict": str(row.verdict),
                "passed": row.passed,
                "failed": row.failed,
                "not_applicable": row.not_applicable,
            }
            for row in result.rows()
        ],
        "findings": [_finding(group) for group in result.findings()],
        "comparison": result.comparison and oracle.as_data(result.comparison),
        "not_applicable": [
            {"reason": reason, "tests": titles} for reason, titles in result.reasons().items()
        ],
        "tests": [
            {
                "title": outcome.title,
                "group": outcome.group,
                "verdict": str(outcome.verdict),
                "reason": outcome.reason,
                "endpoints": sorted(outcome.endpoints),
                "seconds": round(outcome.seconds, 3),
            }
            for outcome in result.outcomes
        ],
    }


def _finding(group: Group) -> dict[str, Any]:
    exchange = group.finding.exchange
    return {
        "endpoint": group.finding.endpoint,
        "expected": group.finding.expected,
        "got": group.finding.got,
        "tests": list(group.titles),
        "request": exchange.request_text() if exchange else "",
        "answer": exchange.answer_text() if exchange else "",
        "curl": exchange.curl() if exchange else "",
    }
