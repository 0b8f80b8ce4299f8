"""Translates Ollama's `format` to OpenAI's `response_format` (inference.md §2.3)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ollama_facade.errors import OllamaError
from ollama_facade.golang.encode import quote
from ollama_facade.translate.dialects import Dialect

SCHEMA_NAME = "schema"
"""OpenAI requires a name; Ollama itself sends this one (golden chat/native-format-schema)."""

# The keywords of OpenAI's strict mode: platform.openai.com/docs/guides/structured-outputs
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
    """Returns the schema; `{}` for any JSON value (``"json"``), None for any text.

    Raises OllamaError(500) for any other value. An empty object is the schema of any value.
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
    """Returns the parameters of a chat request, and whether they express the whole `format`."""
    schema = read_format(value)
    if schema is None:
        return {}, True
    if schema and dialect.json_schema:
        json_schema: dict[str, Any] = {"name": SCHEMA_NAME, "schema": schema}
        if _is_strict(schema):
            json_schema["strict"] = True
        return {"response_format": {"type": "json_schema", "json_schema": json_schema}}, True
    if dialect.json_object:
        return {"response_format": {"type": "json_object"}}, not schema
    return {}, False


def completion_format_parameters(value: Any, dialect: Dialect) -> tuple[dict[str, Any], bool]:
    """Returns the same for a text completion, for which only some backends have a format."""
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
    """Tests whether OpenAI's strict mode accepts the schema: a closed object, all required.

    Strict mode refuses any other schema, which works without it.
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
