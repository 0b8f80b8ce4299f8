"""JSON read so that nothing is lost which Go's decoder would see.

A Python dict forgets that a key came twice, and a float how it was written; Go's decoder goes by
both. `read` keeps them, `plain` lets them go.
"""

from __future__ import annotations

import codecs
import json
import math
import re
from typing import Any

_SURROGATE = re.compile("[\ud800-\udfff]")
_LONGEST_INTEGER = 20  # characters of an integer that 64 bits hold
_LEAST, _MOST = -(2**63), 2**64 - 1


class NumberRangeError(ValueError):
    """A number does not fit a float64. `literal` is the number as it was written."""

    def __init__(self, literal: str) -> None:
        super().__init__(literal)
        self.literal = literal


class Number(str):
    """A number as it was written."""

    __slots__ = ()


class Members:
    """An object: its `pairs` in order, a key that came twice being there twice."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        self.pairs = pairs


def _replace_each_byte(error: UnicodeError) -> tuple[str, int]:
    """One U+FFFD for a byte that is not UTF-8, as Go; Python's `replace` has one for several."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\ufffd" * (error.end - error.start), error.end


codecs.register_error("go-replace", _replace_each_byte)
_decoder = json.JSONDecoder(object_pairs_hook=Members, parse_int=Number, parse_float=Number)


def read(value: bytes) -> Any:
    """One JSON value, whose syntax `scan.first_value` has found good.

    Gives Members, list, str, Number, bool or None. Bytes that are not UTF-8 have become U+FFFD;
    lone surrogates are still there, `text` and `plain` replace them.
    """
    return _decoder.decode(value.decode("utf-8", "go-replace"))


def text(value: str) -> str:
    """The string with one U+FFFD for every lone surrogate (inference.md §1, rule 9)."""
    return value if value.isascii() else _SURROGATE.sub("\ufffd", value)


def number(literal: str) -> int | float:
    """The number as orjson has it: an int as far as 64 bits go, else a float.

    Raises NumberRangeError beyond a float64. A literal of any length is cheap.
    """
    if len(literal) <= _LONGEST_INTEGER and literal.lstrip("-").isdigit():
        whole = int(literal)
        return whole if _LEAST <= whole <= _MOST else float(whole)
    value = float(literal)
    if math.isinf(value):
        raise NumberRangeError(literal)
    return value


def plain(value: Any) -> Any:
    """What `read` gave as dict, list, str, int, float, bool and None; the last of a key counts.

    Raises NumberRangeError. One frame a level, so that `scan.DEEPEST` levels fit on the stack.
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
            elements.append(plain(element))  # noqa: PERF401 - a comprehension is a second frame
        return elements
    return value


def is_deeper_than(levels: int, value: Any) -> bool:
    """Whether more than `levels` lists and dicts stand in one another. Needs no stack itself."""
    level = [value]
    for _ in range(levels + 1):
        level = [item for item in level if isinstance(item, dict | list)]
        if not level:
            return False
        level = [
            child for item in level for child in (item.values() if isinstance(item, dict) else item)
        ]
    return True
