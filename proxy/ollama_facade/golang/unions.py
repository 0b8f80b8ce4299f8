"""Decodes the types of `/v1` whose values may have one of several forms.

A content is a text or a list; the `type` of an item selects its form (anthropic/anthropic.go and
openai/responses.go of Ollama). Such a type is decoded alone, and its error ends the decoding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ollama_facade.golang.decode_errors import DecodeError, MismatchError, kind_of
from ollama_facade.golang.encode import quote
from ollama_facade.golang.types import Kind, Shape, variant_name
from ollama_facade.golang.values import text

Decode = Callable[[Shape, Any], Any]
"""Decodes a value alone. Raises DecodeError."""

LATER: tuple[Kind, ...] = ("blocks", "content-items", "output-items")
"""Kinds of a content, which Go stores as bytes at first."""

TAKE_NULL: tuple[Kind, ...] = (
    "any", "raw", "own-struct", "input-items", "input-item", "part", *LATER,
)  # fmt: skip
"""Kinds that decode null like any other value."""

UNFIT = {
    "json.RawMessage": "invalid input_schema for tool {}: ",
    "map[string]interface {}": "failed to unmarshal tool parameters: ",
}
"""What precedes the error of a tool's parameters, with the tool's name."""

_NO_CONTENT = "unexpected end of JSON input"


@dataclass(frozen=True, slots=True, eq=False)
class Later:
    """A member that Go stores as bytes until the struct around it is decoded."""

    shape: Shape
    value: Any


def own_struct(decode: Decode, shape: Shape, value: Any) -> dict[str, Any]:
    """Decodes a struct with a decoder of its own: plain members first, then the contents."""
    plain = shape.plain
    decoded: dict[str, Any] = (decode(plain, value) if plain else None) or {}
    for name, field in shape.fields.items():
        member = decoded.get(name)
        if isinstance(member, Later):
            decoded[name] = _content(decode, field, member.value)
        elif field.kind == "blocks":
            raise DecodeError(_NO_CONTENT)
    return decoded


def items(decode: Decode, shape: Shape, value: Any) -> Any:
    """Decodes a text or a list of items. An error names the list and the index."""
    word = shape.kind.partition("-")[0]
    if value is None or kind_of(value) == "string":
        return text(value or "")
    if not isinstance(value, list):
        mismatch = MismatchError(kind_of(value), shape.go_type)
        raise DecodeError(f"{word} must be a string or array: {mismatch}")
    decoded = []
    for number, element in enumerate(value):
        try:
            decoded.append(decode(shape.element, element) if shape.element else element)
        except DecodeError as error:
            raise DecodeError(f"{word}[{number}]: {error}") from None
    return decoded


def item(decode: Decode, shape: Shape, value: Any) -> Any:
    """Decodes an item in the form that its `type` selects."""
    tag = (decode(shape.plain, value) if shape.plain else None) or {}
    kind = variant_name(shape, tag)
    variant = shape.variants.get(kind)
    if variant is not None:
        return decode(variant, value)
    if shape.kind == "part":
        raise DecodeError(f"unknown content type: {kind}")
    if not kind:
        raise DecodeError("input item missing required 'type' field")
    raise DecodeError(f"unknown input item type: {quote(kind)}")


def _content(decode: Decode, shape: Shape, value: Any) -> Any:
    if shape.kind != "blocks":
        return items(decode, shape, value)
    if value is None or kind_of(value) == "string":
        return text(value or "")
    return decode(shape.blocks, value) if shape.blocks else None


UNIONS: Mapping[Kind, Callable[[Decode, Shape, Any], Any]] = {
    "own-struct": own_struct,
    "input-items": items,
    "input-item": item,
    "part": item,
}
