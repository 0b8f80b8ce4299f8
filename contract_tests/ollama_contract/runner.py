"""Runs the suite with pytest and writes the reports."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from rich.console import Console

from ollama_contract import page, terminal
from ollama_contract.outcomes import Result, as_data
from ollama_contract.watching import Watcher

PACKAGE = Path(__file__).parent


@dataclass(frozen=True)
class Options:
    """What the command was told; None is "not told"."""

    url: str | None = None
    model: str | None = None
    embed_model: str | None = None
    api_key: str | None = field(default=None, repr=False)
    abilities: str | None = None
    own: bool = False
    oracle: str | None = None
    oracle_model: str | None = None
    select: str | None = None
    report_dir: Path | None = None
    junit: Path | None = None
    json: Path | None = None
    html: Path | None = None

    def file(self, kind: str, name: str) -> Path | None:
        """Where a report goes: its own option, else its name in the folder, else nowhere."""
        own: Path | None = getattr(self, kind, None)
        return own or (self.report_dir / name if self.report_dir else None)


def run(options: Options) -> int:
    """Runs all tests; gives 0 when nothing was found, 1 for findings, 2 when it could not run.

    Where an oracle answers otherwise is shown as well and has no part in the status.
    """
    console = Console(highlight=False)
    with terminal.Progress(console) as progress:
        watcher = Watcher(progress, options.api_key)
        pytest.main([*_arguments(options)], plugins=[watcher])
    result = watcher.result
    if not result.outcomes and not result.problem:
        result.problem = "no test was selected"
    written = write(result, options)
    terminal.summarise(console, result, written)
    return int(result.status)


def _arguments(options: Options) -> Iterator[str]:
    """The words for pytest; its own terminal output is off, ours takes its place."""
    yield str(PACKAGE)
    yield from ("-c", str(PACKAGE / "pytest.ini"), "--rootdir", str(PACKAGE))
    yield from ("-p", "no:terminal", "-p", "no:cacheprovider", "--capture=no")
    reported = {
        "--url": options.url,
        "--model": options.model,
        "--embed-model": options.embed_model,
        "--api-key": options.api_key,
        "--abilities": options.abilities,
        "--oracle": options.oracle,
        "--oracle-model": options.oracle_model,
        "--junitxml": options.file("junit", "junit.xml"),
    }
    yield from (f"{name}={value}" for name, value in reported.items() if value is not None)
    if options.own:
        yield "--own"
    if options.select:
        yield from ("-k", options.select)


def write(result: Result, options: Options) -> list[Path]:
    """Writes the reports that are asked for; gives the files, JUnit's by pytest among them."""
    written = [path for path in (options.file("junit", "junit.xml"),) if path and path.is_file()]
    for path, text in (
        (options.file("json", "contract.json"), _json(result)),
        (options.file("html", "contract.html"), page.page(result)),
        (options.file("badge", "badge.svg"), page.badge(result)),
    ):
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            written.append(path)
    return written


def _json(result: Result) -> str:
    return json.dumps(as_data(result), indent=2, ensure_ascii=False) + "\n"
