"""The errors of Go's JSON decoder, and the decoders of Ollama's own types.

DecodeError
└── MismatchError   a value of one type where Go has another
"""

from __future__ import annotations

from typing import Any

from ollama_facade.errors import OllamaError
from ollama_facade.golang.base64 import corrupt_at
from ollama_facade.golang.duration import parse_keep_alive
from ollama_facade.golang.encode import quote
from ollama_facade.golang.values import Members, Number, NumberRangeError, plain, text

_LEVELS = ("high", "medium", "low", "max")
_THINK_FORMS = '"high", "medium", "low", "max", true, or false'


class DecodeError(Exception):
    """Go's decoder refuses the body, with this text."""


class MismatchError(DecodeError):
    """A value of one type where Go has another; `path` are the keys that lead to it."""

    def __init__(
        self, kind: str, go_type: str, struct: str = "", path: tuple[str, ...] = ()
    ) -> None:
        super().__init__(kind, go_type, struct, path)
        self.kind = kind
        self.go_type = go_type
        self.struct = struct
        self.path = path

    def __str__(self) -> str:
        place = f"struct field {self.struct}.{'.'.join(self.path)}" if self.path else "value"
        return f"json: cannot unmarshal {self.kind} into Go {place} of type {self.go_type}"


def kind_of(value: Any) -> str:
    """Returns the word of Go's error texts for a value of `read`."""
    if isinstance(value, Number):
        return "number"
    if isinstance(value, str):
        return "string"
    if isinstance(value, bool):
        return "bool"
    return "array" if isinstance(value, list) else "object"


def plain_value(value: Any) -> Any:
    """Returns `plain` of the value; a number beyond a float64 is a mismatch."""
    try:
        return plain(value)
    except NumberRangeError as error:
        raise MismatchError(f"number {error.literal}", "float64") from None


def object_value(value: Any) -> Members:
    """Requires an object, with the error of Ollama's ordered map (inference.md §2.6)."""
    if not isinstance(value, Members):
        raise DecodeError("Value looks like object, but can't find closing '}' symbol")
    return value


def arguments_value(value: Any) -> Any:
    """Decodes the arguments of a call, which are an object."""
    return plain_value(object_value(value))


def store_unknown(result: dict[str, Any], key: str, value: Any) -> None:
    """Stores a member that Go ignores, unless it holds a number beyond a float64."""
    try:
        result[key] = plain(value)
    except NumberRangeError:
        result.pop(key, None)


def duration_value(value: Any) -> Any:
    """Checks a `keep_alive` and returns it unchanged (inference.md §2.1)."""
    decoded = plain_value(value)
    try:
        parse_keep_alive(decoded)
    except OllamaError as error:
        raise DecodeError(error.message) from None
    return decoded


def think_value(value: Any) -> bool | str:
    """Decodes a `think`: a bool or a level (inference.md §2.2)."""
    if isinstance(value, bool):
        return value
    if not isinstance(value, str) or isinstance(value, Number):
        raise DecodeError(f"think must be a boolean or string ({_THINK_FORMS})")
    if value not in _LEVELS:
        raise DecodeError(f"invalid think value: {quote(text(value))} (must be {_THINK_FORMS})")
    return value


def base64_value(value: str) -> str:
    """Checks a base64 text and returns it unchanged (inference.md §2.4)."""
    offset = corrupt_at(value)
    if offset is not None:
        raise DecodeError(f"illegal base64 data at input byte {offset}")
    return value
