"""Tool definitions (inference.md §2.7)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ollama_facade.translate.tools import tool_definitions

FULL = {
    "type": "function",
    "strict": True,
    "function": {
        "name": "f",
        "description": "d",
        "parameters": {
            "type": "object",
            "additionalProperties": False,
            "$defs": {"x": {"type": "string"}},
            "required": ["b"],
            "properties": {
                "b": {"type": ["string", "null"], "default": "x", "minLength": 1},
                "a": {"type": ["integer"], "minimum": 0, "enum": [1, "2", None]},
                "c": {"anyOf": [{"type": "string", "format": "date"}, {"type": "number"}]},
                "d": {"type": "array", "items": {"type": "string", "format": "date"}},
                "e": {
                    "type": "object",
                    "properties": {"z": {"type": "boolean", "default": True}},
                    "required": ["z"],
                    "additionalProperties": True,
                },
                "f": {"$ref": "#/$defs/x"},
            },
        },
    },
}


def test_only_keywords_that_ollama_keeps_are_sent_in_order() -> None:
    """Golden chat/tool-schema-rendered, but with the client's order of properties."""
    [tool] = tool_definitions([FULL])
    assert json.dumps(tool, separators=(",", ":")) == (
        '{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object",'
        '"$defs":{"x":{"type":"string"}},"required":["b"],"properties":{'
        '"b":{"type":["string","null"]},"a":{"type":"integer","enum":[1,"2",null]},'
        '"c":{"anyOf":[{"type":"string"},{"type":"number"}]},'
        '"d":{"type":"array","items":{"type":"string","format":"date"}},'
        '"e":{"type":"object","properties":{"z":{"type":"boolean"}},"required":["z"]},"f":{}}}}}'
    )


@pytest.mark.parametrize("tools", [None, []])
def test_no_tools_are_an_empty_list(tools: Any) -> None:
    assert tool_definitions(tools) == []


@pytest.mark.parametrize(
    "tool",
    [
        {"function": {"name": "f"}},
        {"function": {"name": "f", "parameters": None}},
        {"type": "", "function": {"name": "f", "parameters": {}}},
        {"type": None, "function": {"name": "f", "parameters": {"properties": None}}},
    ],
)
def test_missing_fields_are_filled_in(tool: dict[str, Any]) -> None:
    assert tool_definitions([tool]) == [
        {
            "type": "function",
            "function": {"name": "f", "parameters": {"type": "object", "properties": {}}},
        }
    ]


@pytest.mark.parametrize("tool", [None, {}, {"function": None}])
def test_an_empty_tool_stays_an_empty_tool(tool: Any) -> None:
    assert tool_definitions([tool])[0]["function"]["name"] == ""


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("string", "string"),
        ("integer, string", ["integer", "string"]),
        ("a, b", "a, b"),
        (["string"], "string"),
        (["string", "null"], ["string", "null"]),
    ],
)
def test_a_type_is_a_text_or_a_list(given: Any, sent: Any) -> None:
    tool = {"function": {"name": "f", "parameters": {"properties": {"p": {"type": given}}}}}
    [definition] = tool_definitions([tool])
    assert definition["function"]["parameters"]["properties"] == {"p": {"type": sent}}
