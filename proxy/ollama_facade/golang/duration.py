"""Parses Go's durations and Ollama's `keep_alive` (inference.md §2.1)."""

from __future__ import annotations

import re

from ollama_facade.clock import SECOND
from ollama_facade.errors import OllamaError

FOREVER = -1

_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,  # U+00B5, micro sign
    "μs": 1_000,  # U+03BC, Greek mu
    "ms": 1_000_000,
    "s": SECOND,
    "m": 60 * SECOND,
    "h": 3600 * SECOND,
}
_LIMIT = 2**63
_WRAP = 2**64  # Go adds unsigned 64-bit integers, so a sum of twice the limit is 0
_PART = re.compile(r"([0-9]*)(?:(\.)([0-9]*))?([^0-9.]*)")


def parse_duration(text: str) -> int:
    """Returns the nanoseconds of ``1h30m`` or ``-1.5s``, as Go's `time.ParseDuration`.

    Raises ValueError with Go's text.
    """
    rest = text[1:] if text[:1] in ("-", "+") else text
    if rest == "0":
        return 0
    if not rest:
        raise _error("invalid duration", text)
    total = 0
    position = 0
    while position < len(rest):
        part = _PART.match(rest, position)
        if part is None or not (part[1] or part[3]):
            raise _error("invalid duration", text)
        position = part.end()
        if part[4] not in _UNITS:
            # Go reports an overlong whole number before an unknown unit.
            _integer(part[1], text)
            if not part[4]:
                raise _error("missing unit in duration", text)
            raise _error(f"unknown unit {_quote(part[4])} in duration", text)
        unit = _UNITS[part[4]]
        value = _integer(part[1], text)
        if value > _LIMIT // unit:
            raise _error("invalid duration", text)
        value = value * unit + _fraction(part[3] or "", unit)
        total = (total + value) % _WRAP
        if value > _LIMIT or total > _LIMIT:
            raise _error("invalid duration", text)
    if text[0] == "-":
        return -total
    if total == _LIMIT:
        raise _error("invalid duration", text)
    return total


def parse_keep_alive(value: object) -> int | None:
    """Returns the nanoseconds of a `keep_alive`: -1 for forever, None for null (the default).

    A number is seconds and may have a fraction; a string is a Go duration; anything negative, and
    a number beyond 64 bits of nanoseconds, is forever. Raises OllamaError 400 with Ollama's text.
    """
    if value is None:
        return None
    if isinstance(value, bool):
        raise OllamaError(400, "Unsupported type: 'bool'")
    if isinstance(value, int | float):
        seconds = float(value)
        if seconds < 0 or seconds * SECOND >= _LIMIT:
            return FOREVER
        return int(seconds * SECOND)
    if isinstance(value, str):
        try:
            nanoseconds = parse_duration(value)
        except ValueError as error:
            raise OllamaError(400, str(error)) from None
        return FOREVER if nanoseconds < 0 else nanoseconds
    kind = "[]interface {}" if isinstance(value, list) else "map[string]interface {}"
    raise OllamaError(400, f"Unsupported type: '{kind}'")


def _integer(digits: str, text: str) -> int:
    """Reads the digits before the point, at most 2**63."""
    significant = digits.lstrip("0")
    if len(significant) > 19 or int(significant or "0") > _LIMIT:
        raise _error("invalid duration", text)
    return int(significant or "0")


def _fraction(digits: str, unit: int) -> int:
    """Reads the digits after the point as nanoseconds, rounded down with a float64 as in Go.

    Like Go it ignores the digits that do not fit 63 bits.
    """
    value = 0
    scale = 1.0
    for digit in digits:
        if value > (_LIMIT - 1) // 10 or value * 10 + int(digit) > _LIMIT:
            break
        value = value * 10 + int(digit)
        scale *= 10
    return int(float(value) * (unit / scale))


def _error(problem: str, text: str) -> ValueError:
    return ValueError(f"time: {problem} {_quote(text)}")


def _quote(text: str) -> str:
    r"""Quotes as Go's package `time`: ``"`` and ``\`` escaped, non-ASCII text byte by byte."""
    quoted = ""
    for character in text:
        if character < " " or character > "\x7f":
            quoted += "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "replace"))
        else:
            quoted += "\\" + character if character in '"\\' else character
    return f'"{quoted}"'
