"""Decodes the bytes of a body into checked data, or raises Ollama's error.

The fast path serves nearly every body: orjson, one compiled schema, `needs_slow_decode`. Any other
body takes the slow path, which decodes as Go does (`golang.scanner`, `golang.values`,
`golang.unmarshal`). Only the slow path refuses a body, and it accepts what only Go would.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import jsonschema_rs
import orjson

from ollama_facade import contract
from ollama_facade.errors import OllamaError
from ollama_facade.golang.decode_errors import DecodeError
from ollama_facade.golang.scanner import (
    MAX_DEPTH,
    TOO_DEEP,
    GoSyntaxError,
    holds_more_than,
    scan_value,
)
from ollama_facade.golang.types import needs_slow_decode, shape_of
from ollama_facade.golang.unmarshal import unmarshal
from ollama_facade.golang.values import is_deeper_than, read


class Decoder:
    """Decodes the bodies of one request schema (`ChatRequest`); immutable."""

    def __init__(self, schema_name: str, schema: Mapping[str, Any] | None = None) -> None:
        """Compiles `schema`, by default that of the contract.

        Raises ContractError when the contract has no such schema or it has no Go type.
        """
        schema = contract.schema(schema_name) if schema is None else schema
        self._shape = shape_of(schema)
        self._allows = jsonschema_rs.Draft4Validator(_for_speed(schema)).is_valid
        # Go merges the objects of a map whose key is repeated; orjson takes the last one only.
        self._maps = tuple(
            (name, b'"%s"' % name.encode())
            for name, field in self._shape.fields.items()
            if field.kind == "map"
        )

    def decode(self, body: bytes) -> dict[str, Any]:
        """Returns the body as checked data, keys that the contract does not know included.

        A member may be None, an element of a typed list or map may not. `null` is an empty object.
        Raises OllamaError 400 with the text of Go's decoder (inference.md §1.1).
        """
        try:
            value = orjson.loads(body)
        except orjson.JSONDecodeError:
            return self._decode_slowly(body)
        if isinstance(value, dict) and self._is_fast(body, value):
            return value
        return self._decode_slowly(body)

    def _is_fast(self, body: bytes, value: dict[str, Any]) -> bool:
        """Tests whether orjson's value is valid and the one that Go would decode.

        Both take the last of duplicate keys; an error in an earlier one is not noticed.
        """
        if holds_more_than(MAX_DEPTH, body) and is_deeper_than(MAX_DEPTH, value):
            return False
        for name, quoted in self._maps:
            if name in value and body.count(quoted) > 1:
                return False
        return self._allows(value) and not needs_slow_decode(self._shape, value)

    def _decode_slowly(self, body: bytes) -> dict[str, Any]:
        try:
            decoded = unmarshal(self._shape, read(scan_value(body)))
        except (GoSyntaxError, DecodeError) as error:
            raise OllamaError(400, str(error)) from None
        except RecursionError:
            raise OllamaError(400, TOO_DEEP) from None
        return decoded if isinstance(decoded, dict) else {}


@cache
def decoder(schema_name: str) -> Decoder:
    """Returns the decoder of a request schema, compiled once."""
    return Decoder(schema_name)


def _for_speed(node: Any) -> Any:
    """Removes null elements and patterns from a schema for the fast path.

    A null element is Go's zero value, which the slow path puts in its place. `needs_slow_decode`
    checks what has a pattern (base64, durations); matching one against an image takes 7 ms.
    """
    if isinstance(node, list):
        return [_for_speed(child) for child in node]
    if not isinstance(node, dict):
        return node
    stricter = {
        key: _for_speed(child)
        for key, child in node.items()
        if key != "pattern" or not isinstance(child, str)
    }
    for keyword in ("items", "additionalProperties"):
        element = stricter.get(keyword)
        if isinstance(element, dict) and isinstance(element.get("type"), list):
            types = [name for name in element["type"] if name != "null"]
            stricter[keyword] = {**element, "type": types}
    return stricter
