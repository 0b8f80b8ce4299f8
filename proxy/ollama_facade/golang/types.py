"""The Go types that a schema of the contract stands for.

`shape_of` builds them once at start-up from `contract.schema()` and its `x-ollama-` keys. Every
body is checked by `needs_slow_decode`; those that need it are decoded by `unmarshal`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast

from ollama_facade.errors import ContractError, OllamaError
from ollama_facade.golang.base64 import corrupt_at
from ollama_facade.golang.duration import parse_keep_alive

Kind = Literal[
    "string", "bool", "int", "float", "any", "list", "map", "struct",
    "raw", "duration", "think", "base64", "arguments", "properties", "property-type",
    "parameters", "own-struct", "blocks", "input-items", "content-items", "output-items",
    "input-item", "part",
]  # fmt: skip

_KINDS: dict[str, Kind] = {
    "string": "string",
    "boolean": "bool",
    "integer": "int",
    "number": "float",
    "array": "list",
    "object": "map",
}
_ITEMS = ("input-items", "content-items", "output-items")
_TAGGED = ("input-item", "part")
_DECODERS = (
    "raw", "duration", "think", "base64", "arguments", "properties", "property-type",
    "parameters", "own-struct", "blocks", *_ITEMS, *_TAGGED,
)  # fmt: skip
_ALIAS = "Alias"  # the inner type of Message's own decoder (inference.md §1.1)
_WATCHED = (
    "struct", "duration", "base64", "properties", "parameters", "own-struct", "blocks",
    *_ITEMS, *_TAGGED,
)  # fmt: skip


# Simple case folding maps exactly two characters outside ASCII to a letter of a field's name.
_FOLDING = {
    **{ord(letter): letter.upper() for letter in "abcdefghijklmnopqrstuvwxyz"},
    0x017F: "S",  # the long s
    0x212A: "K",  # the Kelvin sign
}


@dataclass(slots=True, eq=False)
class Shape:
    """What Go decodes a value into."""

    kind: Kind
    go_type: str
    """The type as an error text prints it."""
    struct: str = ""
    """Name of the Go struct."""
    fields: dict[str, Shape] = field(default_factory=dict)
    folded: dict[str, str] = field(default_factory=dict)
    """The names of the fields by their folded form."""
    element: Shape | None = None
    """What a list or a map holds; None for any value."""
    decodes_alone: bool = False
    """The type has a decoder of its own, so an error inside ends the whole decoding at once."""
    plain: Shape | None = None
    """What a type with a decoder of its own decodes first: its members, or those that select one
    of the `variants`."""
    variants: dict[str, Shape] = field(default_factory=dict)
    """The forms of an item by their `type`."""
    blocks: Shape | None = None
    """The list form of a content that may be a text."""
    needs: str | None = None
    """The one member whose absence is an error: the `content` of Anthropic's messages."""
    watched: tuple[tuple[str, Shape], ...] = ()
    """The fields that `needs_slow_decode` checks."""

    def field_for(self, key: str) -> str | None:
        """Returns the field that `key` names, exactly or in another case, or None."""
        return key if key in self.fields else self.folded.get(fold(key))

    @property
    def is_watched(self) -> bool:
        """Whether a value that the schema allows may need the slow decoder."""
        if self.kind == "list":
            return self.element is not None and self.element.is_watched
        return self.kind in _WATCHED


def fold(key: str) -> str:
    """Folds the case of a key as Go does to find its field (inference.md §1, rule 5)."""
    return key.translate(_FOLDING)


def shape_of(schema: Mapping[str, Any]) -> Shape:
    """Returns the shape of a schema of `contract.schema()`. Raises ContractError."""
    shapes: dict[str, Shape] = {}
    return _shape(schema, schema.get("definitions", {}), shapes)


def _shape(
    node: Mapping[str, Any], definitions: Mapping[str, Any], shapes: dict[str, Shape]
) -> Shape:
    name = node["$ref"].rpartition("/")[2] if "$ref" in node else ""
    if name in shapes:
        return shapes[name]
    node = definitions[name] if name else node
    shape = Shape(_kind(node), node.get("x-ollama-type", "interface {}"))
    if name:
        shapes[name] = shape  # before its members, which may be of the same shape
    element = node.get("items") or node.get("additionalProperties") or _alternative(shape, node)
    if isinstance(element, dict):
        shape.element = _shape(element, definitions, shapes)
    if shape.kind in _TAGGED:
        _add_variants(shape, node, definitions, shapes)
    if shape.kind == "blocks":
        shape.blocks = Shape("list", shape.go_type, element=shape.element)
    if shape.kind in ("struct", "own-struct"):
        shape.struct = node["x-ollama-struct"]
        shape.decodes_alone = shape.struct == _ALIAS
        shape.fields = {
            key: _shape(child, definitions, shapes) for key, child in node["properties"].items()
        }
        shape.folded = {fold(key): key for key in shape.fields}
        shape.needs = next(
            (key for key, child in shape.fields.items() if child.kind == "blocks"), None
        )
        shape.watched = tuple(
            (key, child) for key, child in shape.fields.items() if child.is_watched
        )
    if shape.kind == "own-struct":
        shape.plain = replace(shape, kind="struct", plain=None)
    return shape


def _alternative(shape: Shape, node: Mapping[str, Any]) -> Any:
    """Returns the schema of the list that may be a text, or of the struct of parameters."""
    if shape.kind == "parameters":
        return node["anyOf"][0]
    if shape.kind in ("blocks", *_ITEMS):
        return next(choice["items"] for choice in node["anyOf"] if "items" in choice)
    return None


def _add_variants(
    shape: Shape,
    node: Mapping[str, Any],
    definitions: Mapping[str, Any],
    shapes: dict[str, Shape],
) -> None:
    names = ("type", "role") if shape.kind == "input-item" else ("type",)
    members = {name: Shape("string", "string") for name in names}
    shape.plain = Shape(
        "struct", shape.go_type, fields=members, folded={fold(name): name for name in names}
    )
    for choice in node["anyOf"]:
        target = definitions[choice["$ref"].rpartition("/")[2]]
        for kind in target["properties"]["type"]["enum"]:
            if kind:
                shape.variants[kind] = _shape(choice, definitions, shapes)


def _kind(node: Mapping[str, Any]) -> Kind:
    decoder = node.get("x-ollama-decoder")
    if decoder is not None:
        if decoder not in _DECODERS:
            raise ContractError(f"nothing decodes x-ollama-decoder: {decoder}")
        return cast("Kind", decoder)
    if "x-ollama-struct" in node:
        return "struct"
    types = node.get("type", ())
    plain = [name for name in ([types] if isinstance(types, str) else types) if name != "null"]
    if not plain:
        return "any"
    if len(plain) > 1 or plain[0] not in _KINDS:
        raise ContractError(f"no Go type is like the schema type {types}")
    return _KINDS[plain[0]]


def needs_slow_decode(shape: Shape, value: Any) -> bool:
    """Tests whether Go may read a value that the compiled schema allows otherwise, or refuse it.

    That is so when a key needs case folding, an element is null, or a base64 text or a duration is
    invalid.
    """
    if shape.kind in ("struct", "own-struct"):
        if not isinstance(value, dict) or (shape.needs is not None and shape.needs not in value):
            return True
        if not value.keys() <= shape.fields.keys():
            for key in value:
                if key not in shape.fields and shape.field_for(key) is not None:
                    return True
        for name, child in shape.watched:
            member = value.get(name)
            if member is not None and needs_slow_decode(child, member):
                return True
        return False
    if shape.kind == "base64":
        return not isinstance(value, str) or corrupt_at(value) is not None
    if shape.kind == "duration":
        return not _is_duration(value)
    if shape.kind == "parameters":
        return needs_slow_decode(cast("Shape", shape.element), value)
    if shape.kind in _TAGGED:
        variant = shape.variants.get(variant_name(shape, value))
        return variant is None or needs_slow_decode(variant, value)
    if isinstance(value, str):
        return False
    elements: Iterable[Any] = value.values() if shape.kind == "properties" else value
    child = cast("Shape", shape.element)
    for element in elements:  # noqa: SIM110 - a generator of `any` costs each chat a microsecond
        if needs_slow_decode(child, element):
            return True
    return False


def variant_name(shape: Shape, value: Any) -> str:
    """Returns the `type` of an item; an item with a role and no type is a message."""
    if not isinstance(value, dict):
        return ""
    kind = value.get("type")
    if not kind and shape.kind == "input-item" and value.get("role"):
        return "message"
    return kind if isinstance(kind, str) else ""


def zero_value(kind: Kind) -> Any:
    """Returns what Go has in a list or a map where null was sent."""
    if kind in ("string", "base64"):
        return ""
    if kind in ("bool", "int", "float"):
        return False if kind == "bool" else 0
    return [] if kind == "list" else {}


def _is_duration(value: Any) -> bool:
    try:
        parse_keep_alive(value)
    except OllamaError:
        return False
    return True
