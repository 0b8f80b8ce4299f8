"""The bytes of a body → checked data, or Ollama's error.

Nearly every body takes the fast way: orjson, one compiled schema, one look at what a schema cannot
say. Whatever is odd about a body sends it the slow way, which reads it as Go does: `gojson.scan`,
`gojson.read`, `explain`. The slow way alone refuses, and it accepts what only Go would.
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
    DEEPEST,
    TOO_DEEP,
    GoSyntaxError,
    holds_more_than,
    scan_value,
)
from ollama_facade.golang.types import is_settled, shape_of
from ollama_facade.golang.unmarshal import as_go_decodes
from ollama_facade.golang.values import is_deeper_than, read


class Decoder:
    """Decodes the bodies of one request schema (`ChatRequest`). Made at start-up, without state."""

    def __init__(self, schema_name: str, schema: Mapping[str, Any] | None = None) -> None:
        """Compiles `schema`, which has the form of `contract.schema()` and comes from there.

        Raises ContractError when the contract has no such schema or it has no Go type.
        """
        schema = contract.schema(schema_name) if schema is None else schema
        self._shape = shape_of(schema)
        self._allows = jsonschema_rs.Draft4Validator(_for_speed(schema)).is_valid
        # Go merges the objects of a map that comes twice; orjson keeps the last one only.
        self._maps = tuple(
            (name, b'"%s"' % name.encode())
            for name, field in self._shape.fields.items()
            if field.kind == "map"
        )

    def decode(self, body: bytes) -> dict[str, Any]:
        """The body as checked data: the contract's keys, and keys that it does not know.

        A member may be None, an element of a typed list or map may not. `null` is an empty object.
        Raises OllamaError 400 with the text of Go's decoder (inference.md §1.1).
        """
        try:
            value = orjson.loads(body)
        except orjson.JSONDecodeError:
            return self._as_go(body)
        if isinstance(value, dict) and self._is_plain(body, value):
            return value
        return self._as_go(body)

    def _is_plain(self, body: bytes, value: dict[str, Any]) -> bool:
        """Whether orjson's value is what Go would have, and allowed.

        Of a key that comes twice both take the last; that an earlier one was wrong goes unseen.
        """
        if holds_more_than(DEEPEST, body) and is_deeper_than(DEEPEST, value):
            return False
        for name, quoted in self._maps:
            if name in value and body.count(quoted) > 1:
                return False
        return self._allows(value) and is_settled(self._shape, value)

    def _as_go(self, body: bytes) -> dict[str, Any]:
        try:
            decoded = as_go_decodes(self._shape, read(scan_value(body)))
        except (GoSyntaxError, DecodeError) as error:
            raise OllamaError(400, str(error)) from None
        except RecursionError:
            raise OllamaError(400, TOO_DEEP) from None
        return decoded if isinstance(decoded, dict) else {}


@cache
def decoder(schema_name: str) -> Decoder:
    """The one decoder of a request schema."""
    return Decoder(schema_name)


def _for_speed(node: Any) -> Any:
    """The schema without null among the plain elements of lists and maps, and without patterns.

    A null element is Go's zero value, which the slow way puts in its place. What has a pattern
    (base64, durations) `is_settled` looks at; matching it against an image takes 7 ms.
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
