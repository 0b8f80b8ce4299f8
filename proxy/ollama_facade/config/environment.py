"""How Ollama reads the text of an environment variable (management.md §6): text in, value out.

Each reader raises ValueError for what Go's parser refuses; `settings.load` decides what follows.
"""

from __future__ import annotations

import ipaddress
import re

from ollama_facade.clock import SECOND
from ollama_facade.golang.duration import FOREVER, parse_duration

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 11434

_TRUE = frozenset(("1", "t", "T", "TRUE", "true", "True"))
_FALSE = frozenset(("0", "f", "F", "FALSE", "false", "False"))

_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*:[ \t]*([\x20-\x7e\t]*)")
_RESERVED = frozenset(("host", "content-length", "content-type", "transfer-encoding", "connection"))
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_SECONDS_LIMIT = (2**63 - 1) // SECOND


def clean(text: str) -> str:
    """The text without white space, then quotes, around it (env.go:374-377)."""
    return text.strip().strip("\"'")


def read_bool(text: str) -> bool:
    """Go's ParseBool; any other text that is not empty is true (env.go:177-199)."""
    if text in _TRUE:
        return True
    return bool(text) and text not in _FALSE


def read_unsigned(text: str) -> int:
    """A whole number in base 10 without a sign (env.go:259-271). Raises ValueError."""
    if not (text.isascii() and text.isdigit()) or len(text) > 19:
        raise ValueError(f"{text[:80]!r} is not a whole number")
    return int(text)


def read_list(text: str) -> tuple[str, ...]:
    """The entries of a list with commas or line ends between them; empty ones are left out."""
    return tuple(entry.strip() for entry in re.split(r"[,\n]", text) if entry.strip())


def read_headers(text: str) -> tuple[tuple[str, str], ...]:
    """Lines of ``Name: value``, as the SDK's OPENAI_CUSTOM_HEADERS has them.

    Raises ValueError, which says the number of the line but not what is in it.
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
    """Nanoseconds of a Go duration (`5m`, `1h30m`) or of whole seconds; -1 for any negative one.

    Raises ValueError (env.go:129-144).
    """
    try:
        nanoseconds = parse_duration(text)
    except ValueError:
        if not _INTEGER.fullmatch(text) or len(text) > 19:
            raise ValueError(f"{text[:80]!r} is not a duration, such as 5m or 300") from None
        if abs(int(text)) > _SECONDS_LIMIT:
            raise ValueError(f"{text[:80]!r} is longer than a duration can be") from None
        nanoseconds = int(text) * SECOND
    return FOREVER if nanoseconds < 0 else nanoseconds


def read_address(text: str) -> tuple[str, int]:
    """Host and port to listen on, out of any form of OLLAMA_HOST (management.md §6.1).

    The host `""` stands for all interfaces; an IPv6 address comes without brackets. Scheme and path
    are read and ignored, but `http://` and `https://` change the port that is meant by none. Raises
    ValueError for a port that is none; `default_port` then says what Ollama takes.
    """
    host, port = _split(text)
    if port is None:
        return host, default_port(text)
    if not _INTEGER.fullmatch(port) or len(port) > 10 or not 0 <= int(port) <= 65535:
        raise ValueError(f"{port[:80]!r} is not a port")
    return host, int(port)


def read_host(text: str) -> str:
    """The host alone, for a text whose port is wrong."""
    return _split(text)[0]


def default_port(text: str) -> int:
    """The port that a form of OLLAMA_HOST without one means."""
    if text == "ollama.com" or text.startswith("https://"):
        return 443
    return 80 if text.startswith("http://") else DEFAULT_PORT


def _split(text: str) -> tuple[str, str | None]:
    authority = text.partition("://")[2] if "://" in text else text
    authority = authority.partition("/")[0]
    address = authority.removeprefix("[").removesuffix("]")
    if _is_address(address):
        return str(ipaddress.ip_address(address)), None
    host, colon, port = authority.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if colon and (bracketed or ":" not in host):
        return (host[1:-1] if bracketed else host), port
    return authority or DEFAULT_HOST, None


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
