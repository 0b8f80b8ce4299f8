"""The command `contract`: runs the contract suite, which is imported only then."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

_EXAMPLES = """\b
Examples:
  ollama-facade contract
  ollama-facade contract --url http://127.0.0.1:11434 --model llama3.2 --report-dir report
  ollama-facade contract --url http://127.0.0.1:8080 --oracle http://127.0.0.1:11434
"""
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command(epilog=_EXAMPLES)
@click.option("--url", help="The server, as http://host:11434. Without it: this service, embedded.")
@click.option("--model", help="The model to ask. Without it: the first that can complete.")
@click.option("--embed-model", help="The model for embeddings.")
@click.option("--api-key", envvar="OLLAMA_API_KEY", help="The server's key, or OLLAMA_API_KEY.")
@click.option("--abilities", help="What the model can, as completion,tools: instead of asking.")
@click.option("--own", is_flag=True, help="The server may be changed: make, copy, delete models.")
@click.option("--oracle", metavar="URL", help="A second server: show where the two differ.")
@click.option("--oracle-model", help="The model to ask there. Without it: as for the first.")
@click.option("-k", "--select", help="Only the tests whose names fit, as pytest's -k.")
@click.option(
    "--report-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="A folder for all reports: JUnit, JSON, HTML, badge.",
)
@click.option("--junit", type=_FILE, help="Write a JUnit XML file.")
@click.option("--json", type=_FILE, help="Write a JSON file.")
@click.option("--html", type=_FILE, help="Write a page with the verdicts and findings.")
def contract(**options: Any) -> None:
    """Test any server that speaks Ollama's API.

    The exit status is 0 when nothing was found, 1 when something was, 2 when it could not be
    tested. Differences from an oracle are information and do not change it.
    """
    try:
        from ollama_contract import runner
    except ModuleNotFoundError as error:
        missing = f"the contract suite needs {error.name}: `pip install 'ollama-facade[contract]'`"
        click.echo(f"ollama-facade: {missing}", err=True)
        sys.exit(2)
    sys.exit(runner.run(runner.Options(**options)))
