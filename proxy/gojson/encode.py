"""One compact JSON text as Go's `encoding/json` writes it (inference.md §4.4)."""

from __future__ import annotations

import re
from typing import Any

import orjson

_SURROGATE = re.compile("[\ud800-\udfff]")


def dumps(value: Any) -> bytes:
    """Compact JSON in insertion order, with the escapes of Go: ``<``, ``>``, ``&``, U+2028, U+2029.

    Those five never stand outside a string in JSON, so they can be replaced in the encoded bytes.
    Lone surrogates become U+FFFD. Raises TypeError for what JSON cannot hold.
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
    return encoded


def _scrub(value: Any) -> Any:
    """The value as Go has it: no lone surrogates, integers beyond 64 bits as floats."""
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
