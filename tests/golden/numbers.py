"""JSON that remembers how its numbers were written."""

from __future__ import annotations

import json
from typing import Any

# encoding/json writes these as escapes.
GO_ESCAPES = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}


class Number(str):
    """A number as its text: `1`, `1.0` and `1e0` are three."""

    __slots__ = ()


def read(text: str) -> Any:
    """A JSON value; the text itself when it is none."""
    try:
        return json.loads(text, parse_float=Number, parse_int=Number)
    except ValueError:
        return text


def write(value: Any) -> str:
    """Compact JSON with Go's escapes."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{write(key)}:{write(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(write, value)) + "]"
    if isinstance(value, Number):
        return str(value)
    text = json.dumps(value, ensure_ascii=False)
    return text.translate(GO_ESCAPES) if isinstance(value, str) else text


def in_key_order(value: Any) -> Any:
    """The same value with the keys of every object sorted."""
    if isinstance(value, dict):
        return {key: in_key_order(value[key]) for key in sorted(value)}
    return [in_key_order(inner) for inner in value] if isinstance(value, list) else value


def same_number(left: Number, right: Number) -> bool:
    """Equal, or fractions that differ by no more than a 32-bit float can tell."""
    first, second = float(left), float(right)
    if first == second:
        return True
    return first != int(first) and abs(first - second) <= 2e-7 * max(abs(first), abs(second))


def differences(left: Any, right: Any, where: str = "") -> list[str]:
    """Where two values are not the same JSON; order of keys and spelling of numbers do not count.

    The order of a list of capabilities does not count either.
    """
    if isinstance(left, Number) and isinstance(right, Number):
        return [] if same_number(left, right) else [reported(where, left, right)]
    if isinstance(left, dict) and isinstance(right, dict):
        found = []
        for key in [*left, *(key for key in right if key not in left)]:
            inner = f"{where}.{key}"
            if key not in left or key not in right:
                found.append(reported(inner, left.get(key, ABSENT), right.get(key, ABSENT)))
            elif (
                key == "capabilities"
                and isinstance(left[key], list)
                and isinstance(right[key], list)
            ):
                found += differences(
                    sorted(left[key], key=write), sorted(right[key], key=write), inner
                )
            else:
                found += differences(left[key], right[key], inner)
        return found
    if isinstance(left, list) and isinstance(right, list):
        if len(left) != len(right):
            sizes = f"{len(left)} and {len(right)} items: "
            return [sizes + reported(where, left, right)]
        pairs = enumerate(zip(left, right, strict=True))
        return [found for i, pair in pairs for found in differences(*pair, f"{where}[{i}]")]
    return [] if type(left) is type(right) and left == right else [reported(where, left, right)]


ABSENT = type("Absent", (str,), {})("(absent)")


def reported(where: str, left: Any, right: Any) -> str:
    """A difference in one line."""
    return f"{where or 'value'}: {short(left)} ≠ {short(right)}"


def short(value: Any) -> str:
    text = str(value) if value is ABSENT else write(value)
    return text if len(text) < 200 else f"{text[:140]} … {text[-50:]}"
