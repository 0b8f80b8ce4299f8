"""The commands `models` and `docs`, and the requests that commands send to a running service."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ollama_facade.cli.sockets import client_url
from ollama_facade.config import settings
from ollama_facade.config.parsers import is_http_url
from ollama_facade.config.settings import Settings
from ollama_facade.errors import SettingsError

TIMEOUT = 10.0
GREETING = b"Ollama is running"
MAX_ANSWER_BYTES = 32 * 1024 * 1024

_MODELS_EXAMPLE = """\b
Example:
  ollama-facade models http://127.0.0.1:11434
"""
_DOCS_EXAMPLE = """\b
Example:
  ollama-facade docs http://127.0.0.1:11434
"""


class ServiceError(Exception):
    """The service or its backend does not answer properly; the text is for the terminal."""


@click.command(epilog=_MODELS_EXAMPLE)
@click.argument("url", required=False)
def models(url: str | None) -> None:
    """List the models of the service at URL, or at OLLAMA_HOST, with what they can do."""
    address, key = service_address(settings.load(), url)
    table = Table("name", "capabilities", "context", "details")
    try:
        for name in list_models(address, key):
            table.add_row(*map(escape, _describe(address, name, key)))
    except ServiceError as error:
        click.echo(f"{address}: {error}", err=True)
        sys.exit(1)
    Console(highlight=False).print(table)


@click.command(epilog=_DOCS_EXAMPLE)
@click.argument("url", required=False)
def docs(url: str | None) -> None:
    """Open the documentation that the service at URL, or at OLLAMA_HOST, serves of itself."""
    address, _ = service_address(settings.load(), url)
    try:
        greet(address)
    except ServiceError as error:
        click.echo(f"service  {address}: {error}", err=True)
        sys.exit(1)
    click.echo(f"{address}/docs")
    if sys.stdout.isatty():
        click.launch(f"{address}/docs")


def service_address(loaded: Settings, url: str | None) -> tuple[str, str]:
    """Returns the URL of the service and its key, which is sent to no other address.

    Raises SettingsError for a `url` that is not valid.
    """
    key = loaded.api_keys[0].get_secret_value() if loaded.api_keys and not url else ""
    return base_url(url or client_url(loaded.host, loaded.port)), key


def base_url(url: str) -> str:
    """Adds the scheme to a URL and removes its last slash. Raises SettingsError."""
    address = url if "://" in url else f"http://{url}"
    if not is_http_url(address):
        raise SettingsError(f"check: {url[:200]!r} is not an http:// or https:// URL")
    return address.rstrip("/")


def greet(address: str, timeout: float = TIMEOUT) -> None:
    """Requests the greeting, which needs neither a backend nor a key. Raises ServiceError."""
    if _request(f"{address}/", timeout).strip() != GREETING:
        raise ServiceError("something else answers there")


def request_json(
    url: str, key: str, body: bytes | None = None, timeout: float = TIMEOUT
) -> dict[str, Any]:
    """Requests an object as clients do, with POST if there is a body. Raises ServiceError."""
    return _object(_request(url, timeout, key, body))


def list_models(address: str, key: str, timeout: float = TIMEOUT) -> list[str]:
    """Returns the names of the models of a service. Raises ServiceError."""
    entries = request_json(f"{address}/api/tags", key, timeout=timeout).get("models") or []
    try:
        return [str(entry["name"]) for entry in entries]
    except (TypeError, KeyError):
        raise ServiceError("the list of models is none") from None


def printable(value: object) -> str:
    """Returns a text from the network without control characters."""
    return "".join(c if c.isprintable() else "\ufffd" for c in str(value))[:300]


def _describe(address: str, name: str, key: str) -> list[str]:
    """Returns name, capabilities, context length and details of a model."""
    answer = request_json(f"{address}/api/show", key, json.dumps({"model": name}).encode())
    info, details = answer.get("model_info") or {}, answer.get("details") or {}
    try:
        length = next((info[field] for field in info if field.endswith(".context_length")), "")
        fields = ("family", "parameter_size", "quantization_level")
        facts = " ".join(filter(None, map(details.get, fields)))
        capabilities = ", ".join(answer.get("capabilities") or ())
    except (TypeError, AttributeError):
        raise ServiceError("what it shows of a model is nothing") from None
    return [printable(text) for text in (name, capabilities, length, facts)]


def _request(url: str, timeout: float, key: str = "", body: bytes | None = None) -> bytes:
    # Without the environment's proxy: this very address is checked.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        request = urllib.request.Request(url, body, headers)  # noqa: S310 - `base_url` checked it
        with opener.open(request, timeout=timeout) as response:
            content: bytes = response.read(MAX_ANSWER_BYTES)
            return content
    except urllib.error.HTTPError as error:
        with error:
            message = _error_text(error.read(MAX_ANSWER_BYTES))
            raise ServiceError(message or f"answers {error.code}") from None
    except (OSError, ValueError) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        text = getattr(reason, "strerror", None) or reason
        raise ServiceError(f"does not answer ({text})") from None


def _error_text(body: bytes) -> str:
    try:
        return printable(_object(body).get("error", ""))
    except ServiceError:
        return ""


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        raise ServiceError("answers with something that is not JSON") from None
    if not isinstance(value, dict):
        raise ServiceError("answers with JSON of another kind")
    return value
