"""The command `check`: whether a service and its backend answer, and what a backend can do."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ollama_facade.cli.models import (
    TIMEOUT,
    ServiceError,
    base_url,
    greet,
    list_models,
    printable,
    request_json,
    service_address,
)
from ollama_facade.clock import Clock
from ollama_facade.config import settings
from ollama_facade.config.settings import Settings
from ollama_facade.errors import SettingsError

_EXAMPLES = """\b
Examples:
  ollama-facade check http://127.0.0.1:11434
  OPENAI_BASE_URL=http://127.0.0.1:8000/v1 ollama-facade check --backend
"""


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a check, with the lines that describe it."""

    well: bool
    lines: tuple[str, ...]


@click.command(epilog=_EXAMPLES)
@click.argument("url", required=False)
@click.option("--alive", is_flag=True, help="Only whether the service runs, for a health check.")
@click.option(
    "--backend", is_flag=True, help="Ask the backend of OPENAI_BASE_URL itself what it can do."
)
@click.option("--model", default="", help="With --backend: the model to ask, else the first.")
def check(url: str | None, *, alive: bool, backend: bool, model: str) -> None:
    """Say whether the service at URL and its backend answer, and which models there are.

    Without URL: the one at OLLAMA_HOST. The exit status is 0 when both answer, else 1. Files in
    OLLAMA_MODELS that cannot be used are named as well.
    """
    loaded = settings.load()
    if backend:
        sys.exit(_check_backend(loaded, model))
    address, key = service_address(loaded, url)
    report = check_alive(address) if alive else check_service(address, key=key)
    for line in report.lines if alive else (*report.lines, *_catalog_lines(loaded)):
        click.echo(line)
    sys.exit(0 if report.well else 1)


def check_alive(url: str, timeout: float = TIMEOUT) -> Report:
    """Checks only that the service runs, for whatever restarts containers.

    Raises SettingsError for a `url` that is not valid.
    """
    address = base_url(url)
    try:
        greet(address, timeout)
    except ServiceError as error:
        return Report(well=False, lines=(f"service  {address}: {error}",))
    return Report(well=True, lines=(f"service  {address}: is running",))


def check_service(url: str, timeout: float = TIMEOUT, key: str = "") -> Report:
    """Checks the version of the service and its list of models, which comes from the backend.

    `key` is sent as clients send theirs. Raises SettingsError for a `url` that is not valid.
    """
    address = base_url(url)
    try:
        greet(address, timeout)
        answer = request_json(f"{address}/api/version", key, timeout=timeout)
    except ServiceError as error:
        return Report(well=False, lines=(f"service  {address}: {error}",))
    service = f"service  {address}: answers as Ollama {printable(answer.get('version', '?'))}"
    try:
        names = list_models(address, key, timeout)
    except ServiceError as error:
        return Report(well=False, lines=(service, f"backend  {error}"))
    count = "1 model" if len(names) == 1 else f"{len(names)} models"
    models = (f"  {printable(name)}" for name in names)
    return Report(well=True, lines=(service, f"backend  answers with {count}", *models))


def _check_backend(loaded: Settings, model: str) -> int:
    """Prints what the backend can do and returns the exit status."""
    if loaded.base_url is None:
        raise SettingsError("check: OPENAI_BASE_URL is not set, so there is no backend to ask")
    from ollama_facade.cli.backend_check import examine
    from ollama_facade.server.logging import configure

    # The table shows what a probe finds refused.
    configure(loaded.model_copy(update={"log_level": "error"}))
    examination = asyncio.run(examine(loaded, model))
    console = Console(highlight=False)
    for line in examination.lines:
        console.print(line, markup=False, soft_wrap=True)
    if examination.probes:
        table = Table("ability", "asked", "seen", title=examination.model, title_justify="left")
        for probe in examination.probes:
            answer = "[green]yes[/]" if probe.answer else "[yellow]no[/]"
            table.add_row(probe.name, answer, escape(probe.note))
        console.print(table)
    return 0 if examination.well else 1


def _catalog_lines(loaded: Settings) -> list[str]:
    """Returns a line for each file of the folder that the service does not use."""
    if loaded.models is None:
        return []
    from ollama_facade.catalog.store import Folder

    problems = Folder(loaded.models, Clock()).read().problems
    return [f"catalog  {file} is not used: {text}" for file, text in problems]
