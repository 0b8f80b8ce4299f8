"""Writes JSON as Go's `encoding/json` does, and quotes text as Go's ``%q`` does."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import orjson

_ODD = re.compile(
    rb'"(?:[^"\\]|\\.)*"'  # a text, in which nothing is a number
    rb"|-?[0-9]+\.0(?![0-9e])"
    rb"|-?[0-9](?:\.[0-9]+)?e(?:-6|\+(?:1[6-9]|20))(?![0-9])"
)
"""Texts, and the numbers that orjson writes in other digits than Go."""

_ESCAPES = {
    '"': '\\"',
    "\\": "\\\\",
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
}

_SURROGATE = re.compile("[\ud800-\udfff]")


def dumps(value: Any) -> bytes:
    """Writes compact JSON in insertion order, with Go's escapes and digits (inference.md §4.4).

    ``<``, ``>``, ``&``, U+2028 and U+2029 are escaped. They never stand outside a string in JSON,
    so they can be replaced in the encoded bytes.
    Lone surrogates become U+FFFD. Floats have Go's digits: 0 for 0.0, 0.000002 for 2e-6, exponents
    below 1e-6 and from 1e21 on only. Raises TypeError for what JSON cannot hold.
    """
    try:
        encoded = orjson.dumps(value)
    except orjson.JSONEncodeError:
        encoded = orjson.dumps(_scrub(value))
    if b"<" in encoded or b">" in encoded or b"&" in encoded:
        encoded = (
            encoded.replace(b"<", rb"\u003c").replace(b">", rb"\u003e").replace(b"&", rb"\u0026")
        )
    if b"\xe2\x80" in encoded:
        encoded = encoded.replace(b"\xe2\x80\xa8", rb"\u2028").replace(b"\xe2\x80\xa9", rb"\u2029")
    if type(value) is not str and _may_hold_odd(encoded):
        return _ODD.sub(_as_go, encoded)
    return encoded


def _may_hold_odd(encoded: bytes) -> bool:
    """Tests whether `_ODD` may match; a loop over the needles would take five times as long."""
    return (
        b".0," in encoded
        or b".0}" in encoded
        or b".0]" in encoded
        or b"e-6" in encoded
        or b"e+" in encoded
    )


def _as_go(match: re.Match[bytes]) -> bytes:
    text = match[0]
    if text.startswith(b'"'):
        return text
    return text[:-2] if text.endswith(b".0") else f"{Decimal(text.decode()):f}".encode()


def _scrub(value: Any) -> Any:
    """Replaces lone surrogates, and integers beyond 64 bits by floats, as Go has them."""
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return float(value)
    if isinstance(value, dict):
        return {_scrub(key): _scrub(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_scrub(item) for item in value]
    return value


def quote(text: str) -> str:
    r"""Quotes a text as Go's ``%q`` does (management.md §2.4).

    >>> print(quote('a "b"\n'))
    "a \"b\"\n"
    """
    return (
        '"' + "".join(_ESCAPES.get(c) or (c if c.isprintable() else _escape(c)) for c in text) + '"'
    )


def _escape(character: str) -> str:
    code = ord(character)
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
