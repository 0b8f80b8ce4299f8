"""Findings: what a test expected of the server and what it got.

A test calls `expect` as often as it likes; all that did not hold is reported, not only the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from ollama_contract.recording import Exchange, Recorder, redacted

MAX_SHOWN = 2000
"""How much of a value is shown."""


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it has to be; `endpoint` is like `POST /api/chat`."""

    endpoint: str
    title: str
    expected: str
    got: str
    exchange: Exchange | None = None


class FindingsError(AssertionError):
    """A test found something; the text is for people who run pytest itself."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("\n\n".join(text(finding) for finding in findings))
        self.findings = tuple(findings)


class Sheet:
    """The findings of the test that runs; `title` is what the test is about."""

    def __init__(self, title: str, recorder: Recorder) -> None:
        self.title, self.recorder = title, recorder
        self.findings: list[Finding] = []

    def add(
        self,
        expected: str,
        got: Any,
        endpoint: str = "",
        title: str = "",
        exchange: Exchange | None = None,
    ) -> None:
        """Notes a finding; the same one a second time is not noted."""
        exchange = exchange or self.recorder.last(endpoint)
        place = endpoint or (exchange.endpoint if exchange else "")
        seen = any((one.endpoint, one.expected) == (place, expected) for one in self.findings)
        if not seen:
            secret = self.recorder.secret
            right, came = redacted(expected, secret), redacted(shown(got), secret)
            self.findings.append(Finding(place, title or self.title, right, came, exchange))


SHEET = pytest.StashKey[Sheet]()
"""Where a pytest item has its sheet."""


_sheets: list[Sheet] = []


def begin(sheet: Sheet) -> None:
    """Makes this the sheet that `expect` writes on."""
    _sheets[:] = [sheet]


def expect(
    condition: object, expected: str, got: Any = "", *, endpoint: str = "", title: str = ""
) -> bool:
    """Whether the condition holds; when it does not, that is a finding and the test goes on.

    `expected` says what is right, `got` is what came instead. The finding belongs to the endpoint
    of the last exchange, or to the one that is named, as in `POST /api/chat`.
    """
    if not condition:
        _sheets[-1].add(expected, got, endpoint, title)
    return bool(condition)


def demand(condition: object, expected: str, got: Any = "", *, endpoint: str = "") -> None:
    """Like `expect`, but the test ends here when it does not hold."""
    if not expect(condition, expected, got, endpoint=endpoint):
        raise FindingsError(_sheets[-1].findings)


def not_applicable(reason: str) -> None:
    """Ends the test: it asks for something that this server or model does not claim to have.

    It is reported with the reason, and never as a pass.
    """
    pytest.skip(reason)


def shown(value: Any) -> str:
    """A value for people, not too long."""
    written = value if isinstance(value, str) else repr(value)
    return (
        written if len(written) <= MAX_SHOWN else f"{written[:MAX_SHOWN]} … ({len(written)} in all)"
    )


def text(finding: Finding) -> str:
    """A finding as a paragraph."""
    lines = [f"{finding.endpoint}: {finding.title}", f"  expected: {finding.expected}"]
    if finding.got:
        lines.append(f"  got: {finding.got}")
    if finding.exchange is not None:
        lines += [f"  {finding.exchange.summary()}", f"  {finding.exchange.curl()}"]
    return "\n".join(lines)
