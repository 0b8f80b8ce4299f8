"""The texts of settings: where each is found, and what is said of one that cannot be used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from ollama_facade.config import environment
from ollama_facade.errors import SettingsError

_Value = TypeVar("_Value")

FROM_FILE = ("OPENAI_API_KEY", "FACADE_API_KEYS", "FACADE_BACKEND_HEADERS")
"""Settings that are also read from the file that `NAME_FILE` names."""

HIDDEN = frozenset((*FROM_FILE, "OPENAI_BASE_URL", "FACADE_BACKEND_PROXY"))
"""Settings whose value is not repeated when it is refused: it may hold a key or a password."""


def text_of(texts: Mapping[str, str], variable: str) -> str:
    """The value of `variable`, or of the file that `variable` with `_FILE` names.

    Raises SettingsError when both are given or the file cannot be read.
    """
    text = environment.clean(texts.get(variable, ""))
    source = f"{variable}_FILE"
    path = environment.clean(texts.get(source, "")) if variable in FROM_FILE else ""
    if not path:
        return text
    if text:
        raise SettingsError(f"{variable} and {source} are both set: unset one of them")
    try:
        return environment.clean(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{source}: cannot read {path!r}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{source}: {path!r} is not text in UTF-8") from None


def parse_or_default(
    variable: str, text: str, reader: Callable[[str], _Value], notes: list[str]
) -> _Value | None:
    """What `reader` makes of the text; None and a note when it refuses it."""
    try:
        return reader(text)
    except ValueError as error:
        notes.append(f"{variable}: {error}; the default is used")
        return None


def address(text: str, notes: list[str]) -> tuple[str, int]:
    """Host and port of OLLAMA_HOST; a wrong port is noted and replaced."""
    try:
        return environment.read_address(text)
    except ValueError as error:
        port = environment.default_port(text)
        notes.append(f"OLLAMA_HOST: {error}; {port} is used")
        return environment.read_host(text), port


def explain(error: ValidationError) -> str:
    """The first thing that is wrong, in one line that names the variable."""
    first = error.errors(include_url=False)[0]
    variable = str(first["loc"][0])
    reason = first["msg"].removeprefix("Value error, ")
    value = "" if variable in HIDDEN else f" (it is {str(first['input'])[:80]!r})"
    return f"{variable}: {reason[:1].lower()}{reason[1:]}{value}"
