"""Tool definitions: what Ollama keeps of them, completed for strict backends (§2.7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_TYPES = frozenset({"string", "number", "integer", "boolean", "array", "object", "null"})


def tool_definitions(tools: Sequence[Mapping[str, Any] | None] | None) -> list[dict[str, Any]]:
    """OpenAI's `tools`, in the client's order; `[]` for none.

    Keywords that Ollama drops (`default`, `$ref`, `additionalProperties`, …) are dropped, the rest
    stays in order. A missing `type` of the tool is ``function``, of its parameters ``object``.
    """
    return [_tool(tool or {}) for tool in tools or ()]


def is_search(tool: Mapping[str, Any]) -> bool:
    """True for Ollama's own search as the dialects of `/v1` name it, in any of its versions."""
    return str(tool.get("type") or "").startswith("web_search")


def search_tools(body: Mapping[str, Any]) -> list[str]:
    """``["web_search"]`` where the client asks for Ollama's own search, which no backend has."""
    return ["web_search"] if any(is_search(tool or {}) for tool in body.get("tools") or ()) else []


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    function = tool.get("function") or {}
    described: dict[str, Any] = {"name": function.get("name") or ""}
    if function.get("description"):
        described["description"] = function["description"]
    described["parameters"] = _parameters(function.get("parameters") or {})
    return {"type": tool.get("type") or "function", "function": described}


def _parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {"type": parameters.get("type") or "object"}
    for key in ("$defs", "items"):
        if parameters.get(key) is not None:
            kept[key] = parameters[key]
    if parameters.get("required"):
        kept["required"] = parameters["required"]
    kept["properties"] = _properties(parameters.get("properties"))
    return kept


def _properties(properties: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: _property(entry or {}) for name, entry in (properties or {}).items()}


def _property(entry: Mapping[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    if entry.get("anyOf"):
        kept["anyOf"] = [_property(variant or {}) for variant in entry["anyOf"]]
    if entry.get("type"):
        kept["type"] = _type(entry["type"])
    if entry.get("items") is not None:
        kept["items"] = entry["items"]
    for key in ("description", "enum"):
        if entry.get(key):
            kept[key] = entry[key]
    if entry.get("properties"):
        kept["properties"] = _properties(entry["properties"])
    if entry.get("required"):
        kept["required"] = entry["required"]
    return kept


def _type(value: Any) -> Any:
    """A list of one is a text; ``"integer, string"``, which the Python client writes, is a list."""
    if isinstance(value, str):
        parts = [part.strip() for part in value.split(",")]
        value = parts if len(parts) > 1 and _TYPES.issuperset(parts) else [value]
    return value[0] if len(value) == 1 else value
