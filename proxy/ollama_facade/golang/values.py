"""Reads JSON without losing what Go's decoder depends on.

A Python dict loses duplicate keys and a float loses how it was written; Go's decoder depends on
both. `read` preserves them, `plain` converts to ordinary Python values.
"""

from __future__ import annotations

import codecs
import json
import math
import re
from typing import Any

_SURROGATE = re.compile("[\ud800-\udfff]")
_MAX_INTEGER_DIGITS = 20  # characters of an integer of 64 bits
_MIN_INTEGER, _MAX_INTEGER = -(2**63), 2**64 - 1


class NumberRangeError(ValueError):
    """A number does not fit a float64; `literal` is its text."""

    def __init__(self, literal: str) -> None:
        super().__init__(literal)
        self.literal = literal


class Number(str):
    """The text of a number."""

    __slots__ = ()


class Members:
    """The members of an object in order, duplicate keys included."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        self.pairs = pairs


def _replace_each_byte(error: UnicodeError) -> tuple[str, int]:
    """Replaces each invalid byte by U+FFFD, as Go does; Python's `replace` merges several."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\ufffd" * (error.end - error.start), error.end


codecs.register_error("go-replace", _replace_each_byte)
_decoder = json.JSONDecoder(object_pairs_hook=Members, parse_int=Number, parse_float=Number)


def read(value: bytes) -> Any:
    """Reads one JSON value whose syntax `scan_value` has checked.

    Returns Members, list, str, Number, bool or None. Bytes that are not UTF-8 become U+FFFD; lone
    surrogates stay, `text` and `plain` replace them.
    """
    return _decoder.decode(value.decode("utf-8", "go-replace"))


def text(value: str) -> str:
    """Replaces each lone surrogate by U+FFFD (inference.md §1, rule 9)."""
    return value if value.isascii() else _SURROGATE.sub("\ufffd", value)


def number(literal: str) -> int | float:
    """Converts a number as orjson does: an int within 64 bits, else a float.

    Raises NumberRangeError beyond a float64. The length of the literal does not matter.
    """
    if len(literal) <= _MAX_INTEGER_DIGITS and literal.lstrip("-").isdigit():
        integer = int(literal)
        return integer if _MIN_INTEGER <= integer <= _MAX_INTEGER else float(integer)
    value = float(literal)
    if math.isinf(value):
        raise NumberRangeError(literal)
    return value


def plain(value: Any) -> Any:
    """Converts a value of `read` to ordinary Python values; the last of duplicate keys counts.

    Raises NumberRangeError. One stack frame a level, so that `scanner.MAX_DEPTH` levels fit.
    """
    if type(value) is Number:
        return number(value)
    if isinstance(value, str):
        return text(value)
    if isinstance(value, Members):
        members: dict[str, Any] = {}
        for key, member in value.pairs:
            members[text(key)] = plain(member)
        return members
    if isinstance(value, list):
        elements: list[Any] = []
        for element in value:
            elements.append(plain(element))  # noqa: PERF401 - a comprehension needs a second frame
        return elements
    return value


def is_deeper_than(levels: int, value: Any) -> bool:
    """Tests whether lists and dicts are nested more than `levels` deep, without recursion."""
    level = [value]
    for _ in range(levels + 1):
        level = [item for item in level if isinstance(item, dict | list)]
        if not level:
            return False
        level = [
            child for item in level for child in (item.values() if isinstance(item, dict) else item)
        ]
    return True
