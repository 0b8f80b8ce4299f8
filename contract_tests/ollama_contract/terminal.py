"""What people see in the terminal: findings as they come, and the verdicts at the end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from rich import progress
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ollama_contract.oracle import Comparison
from ollama_contract.outcomes import Outcome, Result, Verdict

STYLES = {
    Verdict.PASSED: "green",
    Verdict.FAILED: "bold red",
    Verdict.NOT_APPLICABLE: "yellow",
    Verdict.NOT_TESTED: "dim",
}


class Progress:
    """A bar where there is a terminal, and a line for each group of tests and each finding."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._group = ""
        self._bar = progress.Progress(
            progress.SpinnerColumn(),
            progress.MofNCompleteColumn(),
            progress.BarColumn(bar_width=30),
            progress.TimeElapsedColumn(),
            progress.TextColumn("{task.description}", markup=False),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("starting", total=None)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def planned(self, number: int) -> None:
        self._bar.update(self._task, total=number)

    def started(self, group: str, title: str) -> None:
        if group != self._group:
            self._group = group
            self._console.print(Text(group, "bold"))
        self._bar.update(self._task, description=title[:60])

    def ended(self, outcome: Outcome) -> None:
        for finding in outcome.findings:
            line = Text.assemble(("  ✗ ", "bold red"), (finding.endpoint, "bold"), "  ")
            self._console.print(line.append(finding.expected.partition("\n")[0][:300]))
        self._bar.advance(self._task)


def summarise(console: Console, result: Result, files: Sequence[Path]) -> None:
    """Prints the verdict by endpoint, the findings, what does not apply, and the score."""
    if result.rows() and result.outcomes:
        console.print()
        console.print(_table(result))
    for number, group in enumerate(result.findings(), 1):
        finding = group.finding
        console.print()
        console.print(Text(f"{number}. {finding.endpoint}: {group.titles[0]}", "bold red"))
        _line(console, "expected", finding.expected)
        _line(console, "got", finding.got)
        if finding.exchange is not None:
            _line(console, "answer", finding.exchange.summary())
            _line(console, "repeat", finding.exchange.curl())
        if others := group.titles[1:]:
            _line(console, "also in", "; ".join(others[:5]) + (" …" if others[5:] else ""))
    reasons = result.reasons()
    if reasons:
        console.print()
        console.print(Text("Not applicable", "bold yellow"))
    for reason, titles in reasons.items():
        tests = "test" if len(titles) == 1 else "tests"
        console.print(Text(f"  {len(titles)} {tests}: {reason}"), soft_wrap=True)
    if result.comparison is not None:
        console.print()
        _compared(console, result.comparison)
    console.print()
    for path in files:
        console.print(Text(f"written: {path}"), soft_wrap=True)
    console.print(verdict(result), soft_wrap=True)


def verdict(result: Result) -> Text:
    """The last line."""
    if result.problem or not result.applicable:
        return Text(f"not tested: {result.problem or 'nothing applies to this server'}", "bold red")
    found = len(result.findings())
    stated = (
        f"{result.percent} %: {result.count(Verdict.PASSED)} of {result.applicable} tests passed, "
        f"{result.count(Verdict.NOT_APPLICABLE)} do not apply, {found} findings, "
        f"{result.seconds:.0f} s"
    )
    return Text(stated, "bold red" if found else "bold green")


def _compared(console: Console, comparison: Comparison) -> None:
    """What two servers answer otherwise, side by side."""
    found = len(comparison.differences)
    console.print(Text(f"{found} differences from {comparison.oracle}", "bold"), soft_wrap=True)
    if not found:
        return
    table = Table(box=None, padding=(0, 2, 1, 0))
    for name in ("case", "here", comparison.oracle):
        table.add_column(Text(name), overflow="fold")
    for one in comparison.differences:
        case = Text(f"{one.request}\n{one.case}\n{one.aspect}")
        table.add_row(case, Text(one.target or "-"), Text(one.oracle or "-"))
    console.print(table)


def _line(console: Console, name: str, text: str) -> None:
    if text:
        line = Text.assemble((f"   {name:>8}: ", "dim"), text[:3000])
        console.print(line, soft_wrap=True)


def _table(result: Result) -> Table:
    url, model = result.target.get("url", ""), result.target.get("model", "")
    table = Table(
        title=Text(f"{url} · {model}"), title_justify="left", box=None, padding=(0, 2, 0, 0)
    )
    table.add_column("endpoint")
    table.add_column("verdict")
    for name in ("passed", "failed", "n/a"):
        table.add_column(name, justify="right")
    for row in result.rows():
        style = STYLES[row.verdict]
        counts = (str(count or "") for count in (row.passed, row.failed, row.not_applicable))
        table.add_row(Text(row.endpoint), Text(row.verdict, style), *counts)
    return table
