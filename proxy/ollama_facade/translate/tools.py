"""Translates tool definitions as Ollama does, complete for strict backends (inference.md §2.7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_TYPES = frozenset({"string", "number", "integer", "boolean", "array", "object", "null"})


def tool_definitions(tools: Sequence[Mapping[str, Any] | None] | None) -> list[dict[str, Any]]:
    """Returns OpenAI's `tools` in the client's order; `[]` for none.

    Keywords that Ollama drops (`default`, `$ref`, `additionalProperties`, …) are dropped. A tool
    without `type` is a ``function``, parameters without one are an ``object``.
    """
    return [_tool(tool or {}) for tool in tools or ()]


def is_search(tool: Mapping[str, Any]) -> bool:
    """Tests for Ollama's own search, in any of its versions, as `/v1` names it."""
    return str(tool.get("type") or "").startswith("web_search")


def search_tools(body: Mapping[str, Any]) -> list[str]:
    """``["web_search"]`` where the client asks for Ollama's own search, which no backend has."""
    return ["web_search"] if any(is_search(tool or {}) for tool in body.get("tools") or ()) else []


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    function = tool.get("function") or {}
    definition: dict[str, Any] = {"name": function.get("name") or ""}
    if function.get("description"):
        definition["description"] = function["description"]
    definition["parameters"] = _parameters(function.get("parameters") or {})
    return {"type": tool.get("type") or "function", "function": definition}


def _parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {"type": parameters.get("type") or "object"}
    for key in ("$defs", "items"):
        if parameters.get(key) is not None:
            result[key] = parameters[key]
    if parameters.get("required"):
        result["required"] = parameters["required"]
    result["properties"] = _properties(parameters.get("properties"))
    return result


def _properties(properties: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: _property(entry or {}) for name, entry in (properties or {}).items()}


def _property(entry: Mapping[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    if entry.get("anyOf"):
        result["anyOf"] = [_property(variant or {}) for variant in entry["anyOf"]]
    if entry.get("type"):
        result["type"] = _type(entry["type"])
    if entry.get("items") is not None:
        result["items"] = entry["items"]
    for key in ("description", "enum"):
        if entry.get(key):
            result[key] = entry[key]
    if entry.get("properties"):
        result["properties"] = _properties(entry["properties"])
    if entry.get("required"):
        result["required"] = entry["required"]
    return result


def _type(value: Any) -> Any:
    """Converts a list of one to a text, and the Python client's ``"integer, string"`` to a list."""
    if isinstance(value, str):
        parts = [part.strip() for part in value.split(",")]
        value = parts if len(parts) > 1 and _TYPES.issuperset(parts) else [value]
    return value[0] if len(value) == 1 else value
