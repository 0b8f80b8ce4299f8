"""The commands that ask a service or a backend: `check`, `models` and `docs`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ollama_facade.cli import check as checking
from ollama_facade.cli.sockets import client_url
from ollama_facade.clock import Clock
from ollama_facade.config import settings
from ollama_facade.config.settings import Settings
from ollama_facade.errors import ContractError, SettingsError

CHECK_EXAMPLES = """\b
Examples:
  ollama-facade check http://127.0.0.1:11434
  OPENAI_BASE_URL=http://127.0.0.1:8000/v1 ollama-facade check --backend
"""
MODELS_EXAMPLE = """\b
Example:
  ollama-facade models http://127.0.0.1:11434
"""
DOCS_EXAMPLE = """\b
Example:
  ollama-facade docs http://127.0.0.1:11434
"""


@contextmanager
def refusals() -> Iterator[None]:
    """Turns what cannot start into a line on standard error and exit status 2."""
    try:
        yield
    except (SettingsError, ContractError) as error:
        click.echo(f"ollama-facade: {error}", err=True)
        sys.exit(2)


@click.command(epilog=CHECK_EXAMPLES)
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
    with refusals():
        given = settings.load()
        if backend:
            sys.exit(_check_backend(given, model))
        asked, key = _address(given, url)
        report = checking.alive(asked) if alive else checking.check(asked, key=key)
    for line in report.lines if alive else (*report.lines, *_catalog_lines(given)):
        click.echo(line)
    sys.exit(0 if report.well else 1)


def _check_backend(given: Settings, model: str) -> int:
    """The exit status; prints what was found, with a table of what the backend can do."""
    if given.base_url is None:
        raise SettingsError("check: OPENAI_BASE_URL is not set, so there is no backend to ask")
    from ollama_facade.cli.doctor import examine
    from ollama_facade.server.logging import configure

    # What a probe finds refused is in the table.
    configure(given.model_copy(update={"log_level": "error"}))
    found = asyncio.run(examine(given, model))
    console = Console(highlight=False)
    for line in found.lines:
        console.print(line, markup=False, soft_wrap=True)
    if found.probes:
        table = Table("ability", "asked", "seen", title=found.model, title_justify="left")
        for one in found.probes:
            answer = "[green]yes[/]" if one.answer else "[yellow]no[/]"
            table.add_row(one.name, answer, escape(one.note))
        console.print(table)
    return 0 if found.well else 1


def _catalog_lines(given: Settings) -> list[str]:
    """A line for each file of the folder that the service leaves out."""
    if given.models is None:
        return []
    from ollama_facade.catalog.store import Folder

    problems = Folder(given.models, Clock()).read().problems
    return [f"catalog  {file} is not used: {text}" for file, text in problems]


@click.command(epilog=MODELS_EXAMPLE)
@click.argument("url", required=False)
def models(url: str | None) -> None:
    """List the models of the service at URL, or at OLLAMA_HOST, with what they can do."""
    with refusals():
        address, key = _address(settings.load(), url)
        rows, failure = checking.models(address, key=key)
    if failure:
        click.echo(failure, err=True)
        sys.exit(1)
    table = Table("name", "capabilities", "context", "details")
    for row in rows:
        table.add_row(*map(escape, row))
    Console(highlight=False).print(table)


@click.command(epilog=DOCS_EXAMPLE)
@click.argument("url", required=False)
def docs(url: str | None) -> None:
    """Open the documentation that the service at URL, or at OLLAMA_HOST, serves of itself."""
    with refusals():
        address, _ = _address(settings.load(), url)
        report = checking.alive(address)
    page = f"{checking.base(address)}/docs"
    click.echo(page if report.well else "\n".join(report.lines), err=not report.well)
    if report.well and sys.stdout.isatty():
        click.launch(page)
    sys.exit(0 if report.well else 1)


def _address(given: Settings, url: str | None) -> tuple[str, str]:
    """Where the service is, and the key for it: its own goes to itself and to no other address."""
    key = given.api_keys[0].get_secret_value() if given.api_keys and not url else ""
    return url or client_url(given.host, given.port), key
