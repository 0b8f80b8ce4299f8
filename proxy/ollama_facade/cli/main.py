"""The command `ollama-facade` and its command `serve`.

Exit status: 0 success · 1 `check` found no answer, `contract` a wrong one · 2 the command cannot
start, and one line says why · 128 + n ended by signal n.
"""

from __future__ import annotations

import gc
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any, NoReturn

import click
from pydantic import SecretStr
from rich.console import Console

from ollama_facade import __version__
from ollama_facade.cli.check import check
from ollama_facade.cli.contract import contract
from ollama_facade.cli.models import docs, models
from ollama_facade.cli.sockets import client_url, listen_for
from ollama_facade.cli.workers import Workers, adopt, report, shared_counts
from ollama_facade.clock import SECOND, Clock
from ollama_facade.config import settings
from ollama_facade.config.settings import Settings
from ollama_facade.embedded import process
from ollama_facade.errors import ContractError, SettingsError

NO_BACKEND = (
    "nothing to serve from: set OPENAI_BASE_URL (and OPENAI_API_KEY) to a backend, or add --local"
)

EXAMPLES = """\b
Examples:
  ollama-facade serve --local
  OPENAI_BASE_URL=http://127.0.0.1:8000/v1 ollama-facade serve
  OPENAI_BASE_URL=http://127.0.0.1:8000/v1 ollama-facade check --backend
  ollama-facade models http://127.0.0.1:11434
"""
SERVE_EXAMPLES = """\b
Examples:
  ollama-facade serve --local
  ollama-facade serve --local model.gguf --port 8080
  OPENAI_BASE_URL=http://127.0.0.1:8000/v1 ollama-facade serve --workers 2
"""


class _Commands(click.Group):
    """Reports what prevents a start in one line on standard error, with exit status 2."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (SettingsError, ContractError) as error:
            click.echo(f"ollama-facade: {error}", err=True)
            sys.exit(2)


@click.group(
    cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]}, epilog=EXAMPLES
)
@click.version_option(__version__, prog_name="ollama-facade")
def main() -> None:
    """Speak the Ollama API in front of any OpenAI-compatible backend."""


for command in (check, models, docs, contract):
    main.add_command(command)


@main.command(epilog=SERVE_EXAMPLES)
@click.option(
    "--local",
    "file",
    metavar="[FILE.gguf]",
    is_flag=False,
    flag_value="",
    help="Start a llama.cpp server too, with this model or the small one that is packaged.",
)
@click.option("--host", help="Address to listen on, instead of that in OLLAMA_HOST.")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="Port, instead of that in OLLAMA_HOST; 0: any."
)
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    default=1,
    help="Processes that share the port; the limits of the settings are each one's own.",
)
@click.option("--worker", hidden=True, help="What `workers.adopt` reads; for workers only.")
def serve(
    file: str | None, host: str | None, port: int | None, workers: int, worker: str | None
) -> None:
    """Answer Ollama's clients until told to stop."""
    _end_on_signals()
    loaded = settings.load()
    if worker is not None:
        line, adopted = adopt(worker)
        _run(loaded, adopted, lambda: report(line), shared=loaded.metrics)
        return
    for note in loaded.notes:
        click.echo(f"ollama-facade: {note}", err=True)
    if file is None and loaded.base_url is None:
        raise SettingsError(NO_BACKEND)
    options = {"host": host, "port": port}
    loaded = loaded.model_copy(
        update={name: value for name, value in options.items() if value is not None}
    )
    sockets, loaded = listen_for(loaded, shared=workers > 1)
    _warn_of_public_address(loaded)
    if file is None:
        _serve(loaded, sockets, workers, "MODEL", show=sys.stdout.isatty())
    else:
        _run_with_local(loaded, sockets, workers, process.find_model(file))


def _warn_of_public_address(loaded: Settings) -> None:
    """Warns when others may reach the service without a key."""
    from ollama_facade.server.hosts import is_loopback

    if loaded.api_keys or is_loopback(loaded.host):
        return
    who = "WARNING: whoever reaches this port may use the backend, because no key is asked for;"
    advice = "FACADE_API_KEYS_FILE=/path/to/keys asks for one"
    click.secho(f"ollama-facade: {who} {advice}", err=True, fg="yellow", bold=True)


def _run_with_local(
    loaded: Settings, sockets: list[socket.socket], workers: int, model: process.LocalModel
) -> None:
    loading = Console(stderr=True).status(f"loading {model.path.name} …")
    if sys.stderr.isatty():
        loading.start()
    else:
        click.echo(f"loading {model.path.name} …", err=True)
    clock = Clock()
    began = clock.monotonic()
    try:
        with process.running(model, on_end=lambda text: click.echo(text, err=True)) as backend:
            loading.stop()
            seconds = (clock.monotonic() - began) / SECOND
            click.echo(f"{model.name} is ready after {seconds:.1f} s", err=True)
            local = {"base_url": backend.url, "api_key": SecretStr(backend.key)}
            loaded = loaded.model_copy(update=local)
            _serve(loaded, sockets, workers, model.name, show=True)
    finally:
        loading.stop()


def _serve(
    loaded: Settings, sockets: list[socket.socket], workers: int, model: str, *, show: bool
) -> None:
    """Serves in this process, or in so many others."""
    port = sockets[0].getsockname()[1]
    text = announcement(client_url(loaded.host, port), model, show=show)

    def announce() -> None:
        # The reader of the output may be gone; the service runs for others.
        with suppress(OSError):
            click.echo(text)

    if workers == 1:
        _run(loaded, sockets, announce, shared=False)
        return
    host = f"[{loaded.host}]" if ":" in loaded.host else loaded.host
    environment = {"OLLAMA_HOST": f"{host}:{port}", "OPENAI_BASE_URL": loaded.base_url or ""}
    if loaded.metrics_host:
        environment["FACADE_METRICS_HOST"] = "[{}]:{}".format(*loaded.metrics_host)
    if key := loaded.api_key.get_secret_value():
        environment["OPENAI_API_KEY"] = key
    with shared_counts(loaded) as counts:
        Workers(workers, sockets, {**environment, **counts.environment}, counts.forget).run(
            announce
        )


def _run(
    loaded: Settings, sockets: list[socket.socket], started: Callable[[], None], *, shared: bool
) -> None:
    # What is loaded now stays; collecting garbage would take a fifth of the start. `cli.serve`
    # turns the collector on again.
    gc.disable()
    # Imported late, because it takes a second; `check` and `--help` do not need it.
    from ollama_facade.cli.serve import run

    run(loaded, sockets, started, shared=shared)


def announcement(url: str, model: str, *, show: bool) -> str:
    """Returns the line with the address of the service; with `show` also three examples."""
    address = url.removeprefix("http://")
    first = f"ollama-facade {__version__} listens on {url}"
    if not show:
        return first
    host = "" if url == "http://127.0.0.1:11434" else f"OLLAMA_HOST={address} "
    client = "ollama" if not host else f"ollama.Client('{url}')"
    question = "What is the capital of France?"
    return "\n".join(
        (
            first,
            "Try:",
            f'  curl {url}/api/generate -d \'{{"model": "{model}", "prompt": "{question}"}}\'',
            f'  {host}ollama run {model} "{question}"',
            f'  python -c "import ollama; print({client}.generate'
            f"('{model}', '{question}').response)\"",
        )
    )


def _end_on_signals() -> None:
    """Makes SIGTERM and SIGINT unwind the stack, so that the embedded backend ends too.

    uvicorn handles both while it serves, drains, and then raises the signal again.
    """

    def end(number: int, _frame: FrameType | None) -> NoReturn:
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
