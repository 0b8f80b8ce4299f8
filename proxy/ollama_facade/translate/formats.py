"""Ollama's `format` as OpenAI's `response_format` (inference.md §2.3)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ollama_facade.errors import OllamaError
from ollama_facade.golang.encode import quote
from ollama_facade.translate.dialects import Dialect

SCHEMA_NAME = "schema"
"""OpenAI wants a name; Ollama's own forwarding uses this one (golden chat/native-format-schema)."""

# What OpenAI's strict mode knows: platform.openai.com/docs/guides/structured-outputs
_STRICT_KEYWORDS = frozenset(
    {
        "type",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "enum",
        "const",
        "description",
        "title",
        "anyOf",
        "$defs",
        "$ref",
    }
)


def read_format(value: Any) -> Mapping[str, Any] | None:
    """The wanted schema; `{}` stands for any JSON value (``"json"``), None for any text.

    Raises OllamaError(500) for all else. An empty object is the schema that allows everything.
    """
    if value is None or value == "":
        return None
    if isinstance(value, Mapping):
        return value
    if value == "json":
        return {}
    raw = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    raise OllamaError(
        500, f'invalid format: {quote(raw)}; expected "json" or a valid JSON Schema object'
    )


def format_parameters(value: Any, dialect: Dialect) -> tuple[dict[str, Any], bool]:
    """The parameters of a chat request, and whether they ask for all that `format` asks for."""
    schema = read_format(value)
    if schema is None:
        return {}, True
    if schema and dialect.json_schema:
        described: dict[str, Any] = {"name": SCHEMA_NAME, "schema": schema}
        if _is_strict(schema):
            described["strict"] = True
        return {"response_format": {"type": "json_schema", "json_schema": described}}, True
    if dialect.json_object:
        return {"response_format": {"type": "json_object"}}, not schema
    return {}, False


def completion_format_parameters(value: Any, dialect: Dialect) -> tuple[dict[str, Any], bool]:
    """The same for a text completion, which OpenAI gives no format; some backends do."""
    schema = read_format(value)
    if schema is None:
        return {}, True
    match dialect.completions_format:
        case "response_format":
            return format_parameters(value, dialect)
        case "json_schema":
            return {"json_schema": schema or {"type": "object"}}, True
        case _:
            return {}, False


def _is_strict(schema: Mapping[str, Any]) -> bool:
    """Whether OpenAI's strict mode takes the schema: a closed object, everything required.

    Asked for only then: elsewhere strict mode refuses what it could simply have followed.
    """
    return schema.get("type") == "object" and "anyOf" not in schema and _closed(schema)


def _closed(node: Any) -> bool:
    if not isinstance(node, Mapping) or not _STRICT_KEYWORDS.issuperset(node):
        return False
    properties = node.get("properties", {})
    definitions = node.get("$defs", {})
    variants = node.get("anyOf", [])
    if not (
        isinstance(properties, Mapping)
        and isinstance(definitions, Mapping)
        and isinstance(variants, list)
    ):
        return False
    if node.get("type") == "object" or properties:
        required = node.get("required", [])
        if node.get("additionalProperties") is not False or not isinstance(required, list):
            return False
        if [name for name in properties if name not in required]:
            return False
    children = [*properties.values(), *definitions.values(), *variants]
    if "items" in node:
        children.append(node["items"])
    return all(_closed(child) for child in children)
