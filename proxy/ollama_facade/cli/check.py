"""What `ollama-facade check` finds out about a running service, by the requests of any client."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ollama_facade.errors import SettingsError

TIMEOUT = 10.0
GREETING = b"Ollama is running"
LARGEST = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Report:
    """Whether service and backend answer, and the lines that tell it."""

    well: bool
    lines: tuple[str, ...]


class _UnwellError(Exception):
    """What is wrong, in words for the terminal."""


def check(url: str, timeout: float = TIMEOUT, key: str = "") -> Report:
    """Ask the service at `url` for its version and its models; the list comes from the backend.

    `key` is sent as clients send theirs. Raises SettingsError for a `url` that is no HTTP URL.
    """
    address = base(url)
    try:
        _greet(address, timeout)
        version = _object(_get(f"{address}/api/version", timeout, key)).get("version", "?")
    except _UnwellError as error:
        return Report(well=False, lines=(f"service  {address}: {error}",))
    service = f"service  {address}: answers as Ollama {_printable(version)}"
    try:
        names = _listed(address, timeout, key)
    except _UnwellError as error:
        return Report(well=False, lines=(service, f"backend  {error}"))
    count = "1 model" if len(names) == 1 else f"{len(names)} models"
    listed = (f"  {_printable(name)}" for name in names)
    return Report(well=True, lines=(service, f"backend  answers with {count}", *listed))


def alive(url: str, timeout: float = TIMEOUT) -> Report:
    """Ask for nothing but the greeting, which needs neither a backend nor a key.

    For whoever restarts containers: a backend that is down is no reason to. Raises as `check`.
    """
    address = base(url)
    try:
        _greet(address, timeout)
    except _UnwellError as error:
        return Report(well=False, lines=(f"service  {address}: {error}",))
    return Report(well=True, lines=(f"service  {address}: is running",))


def models(
    url: str, timeout: float = TIMEOUT, key: str = ""
) -> tuple[list[tuple[str, str, str, str]], str]:
    """Name, capabilities, context length and details of each model; or a line that says why not.

    Raises as `check`.
    """
    address = base(url)
    try:
        return [_row(address, name, timeout, key) for name in _listed(address, timeout, key)], ""
    except _UnwellError as error:
        return [], f"{address}: {error}"


def _listed(address: str, timeout: float, key: str) -> list[str]:
    """The names of the models, as the service gives them."""
    models = _object(_get(f"{address}/api/tags", timeout, key)).get("models") or []
    try:
        return [str(model["name"]) for model in models]
    except (TypeError, KeyError):
        raise _UnwellError("the list of models is none") from None


def _row(address: str, name: str, timeout: float, key: str) -> tuple[str, str, str, str]:
    body = json.dumps({"model": name}).encode()
    shown = _object(_get(f"{address}/api/show", timeout, key, body))
    info, details = shown.get("model_info") or {}, shown.get("details") or {}
    try:
        length = next((info[one] for one in info if one.endswith(".context_length")), "")
        told = [details.get(one) for one in ("family", "parameter_size", "quantization_level")]
        can = ", ".join(shown.get("capabilities") or ())
        texts = (name, can, str(length), " ".join(filter(None, told)))
    except (TypeError, AttributeError):
        raise _UnwellError("what it shows of a model is nothing") from None
    row = [_printable(text) for text in texts]
    return row[0], row[1], row[2], row[3]


def _greet(address: str, timeout: float) -> None:
    if _get(f"{address}/", timeout).strip() != GREETING:
        raise _UnwellError("something else answers there")


def base(url: str) -> str:
    """The URL without its last slash, with a scheme. Raises SettingsError for what is none."""
    whole = url if "://" in url else f"http://{url}"
    try:
        parts = urlsplit(whole)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise SettingsError(f"check: {url[:200]!r} is not an http:// or https:// URL")
    return whole.rstrip("/")


def _get(url: str, timeout: float, key: str = "", body: bytes | None = None) -> bytes:
    # No proxy of the environment: what is checked is this address and none between.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        request = urllib.request.Request(url, body, headers)  # noqa: S310 - `base` looked at it
        with opener.open(request, timeout=timeout) as answer:
            read: bytes = answer.read(LARGEST)
            return read
    except urllib.error.HTTPError as error:
        with error:
            raise _UnwellError(
                _error_text(error.read(LARGEST)) or f"answers {error.code}"
            ) from None
    except (OSError, ValueError) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        text = getattr(reason, "strerror", None) or reason
        raise _UnwellError(f"does not answer ({text})") from None


def _error_text(body: bytes) -> str:
    try:
        return _printable(_object(body).get("error", ""))
    except _UnwellError:
        return ""


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        raise _UnwellError("answers with something that is not JSON") from None
    if not isinstance(value, dict):
        raise _UnwellError("answers with JSON of another kind")
    return value


def _printable(value: object) -> str:
    """A text from the network without what would move the cursor."""
    return "".join(c if c.isprintable() else "\ufffd" for c in str(value))[:300]
