"""Parses the texts of environment variables, as Ollama does where it has them (management.md §6).

The readers raise ValueError for what Go's parser refuses; `settings.load` decides what follows. The
annotated types at the end are the types of the fields of `Settings`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError

from ollama_facade.clock import SECOND
from ollama_facade.errors import SettingsError
from ollama_facade.golang.duration import FOREVER, parse_duration

_Value = TypeVar("_Value")

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 11434

FROM_FILE = ("OPENAI_API_KEY", "FACADE_API_KEYS", "FACADE_BACKEND_HEADERS")
"""Settings that are also read from the file that `NAME_FILE` names."""

_SECRET = frozenset((*FROM_FILE, "OPENAI_BASE_URL", "FACADE_BACKEND_PROXY"))
"""Settings whose value is not repeated in an error: it may hold a key or a password."""

_TRUE = frozenset(("1", "t", "T", "TRUE", "true", "True"))
_FALSE = frozenset(("0", "f", "F", "FALSE", "false", "False"))

_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*:[ \t]*([\x20-\x7e\t]*)")
_RESERVED = frozenset(("host", "content-length", "content-type", "transfer-encoding", "connection"))
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_MAX_SECONDS = (2**63 - 1) // SECOND


def text_of(environ: Mapping[str, str], variable: str) -> str:
    """Returns the text of `variable`, or of the file that `variable` with `_FILE` names.

    Raises SettingsError when both are given or the file cannot be read.
    """
    text = clean(environ.get(variable, ""))
    source = f"{variable}_FILE"
    path = clean(environ.get(source, "")) if variable in FROM_FILE else ""
    if not path:
        return text
    if text:
        raise SettingsError(f"{variable} and {source} are both set: unset one of them")
    try:
        return clean(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{source}: cannot read {path!r}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{source}: {path!r} is not text in UTF-8") from None


def parse_or_default(
    variable: str, text: str, reader: Callable[[str], _Value], notes: list[str]
) -> _Value | None:
    """Returns the value that `reader` parses; None and a note when it refuses the text."""
    try:
        return reader(text)
    except ValueError as error:
        notes.append(f"{variable}: {error}; the default is used")
        return None


def address(text: str, notes: list[str]) -> tuple[str, int]:
    """Returns host and port of OLLAMA_HOST; a wrong port is noted and replaced."""
    try:
        return read_address(text)
    except ValueError as error:
        port = _default_port(text)
        notes.append(f"OLLAMA_HOST: {error}; {port} is used")
        return _split_address(text)[0], port


def describe(error: ValidationError) -> str:
    """Describes the first error in one line that names the variable."""
    first = error.errors(include_url=False)[0]
    variable = str(first["loc"][0])
    reason = first["msg"].removeprefix("Value error, ")
    value = "" if variable in _SECRET else f" (it is {str(first['input'])[:80]!r})"
    return f"{variable}: {reason[:1].lower()}{reason[1:]}{value}"


def clean(text: str) -> str:
    """Strips white space, then quotes (env.go:374-377)."""
    return text.strip().strip("\"'")


def read_bool(text: str) -> bool:
    """Reads a bool as Go's ParseBool; any other text that is not empty is true (env.go:177-199)."""
    if text in _TRUE:
        return True
    return bool(text) and text not in _FALSE


def read_unsigned(text: str) -> int:
    """Reads an integer in base 10 without a sign (env.go:259-271). Raises ValueError."""
    if not (text.isascii() and text.isdigit()) or len(text) > 19:
        raise ValueError(f"{text[:80]!r} is not a whole number")
    return int(text)


def read_list(text: str) -> tuple[str, ...]:
    """Reads a list whose entries are separated by commas or line ends; drops empty entries."""
    return tuple(entry.strip() for entry in re.split(r"[,\n]", text) if entry.strip())


def read_headers(text: str) -> tuple[tuple[str, str], ...]:
    """Reads lines of ``Name: value``, as the SDK's OPENAI_CUSTOM_HEADERS has them.

    Raises ValueError, which names the number of the line but not its content.
    """
    headers = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        match = _HEADER.fullmatch(line.strip())
        if match is None:
            raise ValueError(f"line {number} is not a header, such as `X-Team: search`")
        if match[1].lower() in _RESERVED:
            raise ValueError(f"line {number}: {match[1]} cannot be set")
        headers.append((match[1], match[2]))
    return tuple(headers)


def read_keep_alive(text: str) -> int:
    """Reads a Go duration (`5m`, `1h30m`) or seconds as nanoseconds; -1 for any negative one.

    Raises ValueError (env.go:129-144).
    """
    try:
        nanoseconds = parse_duration(text)
    except ValueError:
        if not _INTEGER.fullmatch(text) or len(text) > 19:
            raise ValueError(f"{text[:80]!r} is not a duration, such as 5m or 300") from None
        if abs(int(text)) > _MAX_SECONDS:
            raise ValueError(f"{text[:80]!r} is longer than a duration can be") from None
        nanoseconds = int(text) * SECOND
    return FOREVER if nanoseconds < 0 else nanoseconds


def read_address(text: str) -> tuple[str, int]:
    """Reads host and port from any form of OLLAMA_HOST (management.md §6.1).

    The host `""` stands for all interfaces; an IPv6 address comes without brackets. Scheme and path
    are ignored, but `http://` and `https://` change the default port. Raises ValueError for a port
    that is not valid.
    """
    host, port = _split_address(text)
    if port is None:
        return host, _default_port(text)
    if not _INTEGER.fullmatch(port) or len(port) > 10 or not 0 <= int(port) <= 65535:
        raise ValueError(f"{port[:80]!r} is not a port")
    return host, int(port)


def _default_port(text: str) -> int:
    if text == "ollama.com" or text.startswith("https://"):
        return 443
    return 80 if text.startswith("http://") else DEFAULT_PORT


def _split_address(text: str) -> tuple[str, str | None]:
    authority = text.partition("://")[2] if "://" in text else text
    authority = authority.partition("/")[0]
    try:
        return str(ipaddress.ip_address(authority.removeprefix("[").removesuffix("]"))), None
    except ValueError:
        pass
    host, colon, port = authority.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if colon and (bracketed or ":" not in host):
        return (host[1:-1] if bracketed else host), port
    return authority or DEFAULT_HOST, None


def _parsed(reader: Callable[[str], Any]) -> BeforeValidator:
    """Applies `reader` to a text; values that are no text are passed on."""
    return BeforeValidator(lambda value: reader(value) if isinstance(value, str) else value)


def is_http_url(text: str) -> bool:
    """Tests for an http:// or https:// URL with a host."""
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _backend_url(text: str) -> str:
    if not is_http_url(text):
        raise ValueError("it must be an http:// or https:// URL, such as http://127.0.0.1:8000/v1")
    return text


def _proxy_url(secret: SecretStr) -> SecretStr:
    if not is_http_url(secret.get_secret_value()):
        raise ValueError("it must be an http:// or https:// URL, such as http://proxy:3128")
    return secret


def _host_port(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise ValueError("it must be HOST:PORT, such as 127.0.0.1:9090")
    return host.removeprefix("[").removesuffix("]"), int(port)


Flag = Annotated[bool, _parsed(read_bool)]
Lowered = _parsed(str.lower)
Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
NonNegativeSeconds = Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)]
Texts = Annotated[tuple[str, ...], _parsed(read_list)]
LowerTexts = Annotated[tuple[str, ...], _parsed(lambda text: read_list(text.lower()))]
Secrets = Annotated[tuple[SecretStr, ...], _parsed(read_list)]
BackendUrl = Annotated[str, AfterValidator(_backend_url)]
ProxyUrl = Annotated[SecretStr, AfterValidator(_proxy_url)]
Headers = Annotated[tuple[tuple[str, SecretStr], ...], _parsed(read_headers)]
HostPort = Annotated[tuple[str, int], _parsed(_host_port)]
