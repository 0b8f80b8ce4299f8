from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from ollama_contract import terminal
from ollama_contract.outcomes import Result
from tests.contract.made import KEY, result


def printed(made: Result) -> str:
    console = Console(file=io.StringIO(), width=100)
    with terminal.Progress(console) as progress:
        progress.planned(len(made.outcomes))
        for outcome in made.outcomes:
            progress.started(outcome.group, outcome.title)
            progress.ended(outcome)
    terminal.summarise(console, made, [Path("report/contract.html")])
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_findings_are_reported_as_they_come_and_again_with_all_there_is_at_the_end() -> None:
    text = printed(result())
    assert text.count("✗ POST /api/chat  one done") == 2
    assert "1. POST /api/chat: streams end\n" in text
    assert "got: two <b>done</b>" in text
    assert "repeat: curl -sS" in text
    assert KEY not in text


def test_a_group_is_named_once() -> None:
    assert printed(result()).splitlines().count("group") == 1


def test_the_reason_is_reported_for_what_does_not_apply() -> None:
    assert "1 test: m does not claim the ability 'tools'" in printed(result())


def test_the_last_lines_are_the_files_and_the_score() -> None:
    last = printed(result()).splitlines()[-2:]
    assert last[0] == "written: report/contract.html"
    assert last[1] == "50 %: 2 of 4 tests passed, 1 do not apply, 1 findings, 3 s"


def test_a_run_that_could_not_be_says_why() -> None:
    assert printed(Result(problem="no server")).splitlines()[-1] == "not tested: no server"
