"""A body of `/v1/responses` as a chat: recordings, items, tools, forms (management.md §4.5)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ollama_facade.errors import OllamaError
from ollama_facade.translate.apis.responses_parser import chat_body
from ollama_facade.translate.tools import search_tools
from tests.operations.recorded import cases, recorded

REFUSED = [
    name
    for name in recorded("openai", r"/responses-bad")
    if cases("openai")[name]["response"]["headers"].get("Content-Type", "").endswith("utf-8")
]


@pytest.mark.parametrize("name", REFUSED)
def test_a_body_is_refused_as_recorded(name: str) -> None:
    case = cases("openai")[name]
    with pytest.raises(OllamaError) as refused:
        chat_body(case["request"]["body"])
    assert refused.value.status == case["response"]["status"]
    assert refused.value.message == json.loads(case["response"]["body"])["error"]["message"]


CALL = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"a":1}'}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "2"}
ASKED = {"id": "c1", "function": {"name": "f", "arguments": {"a": 1}}}
ANSWERED = {"role": "tool", "content": "2", "tool_call_id": "c1"}


@pytest.mark.parametrize(
    ("items", "messages"),
    [
        ("", []),
        ("a", [{"role": "user", "content": "a"}]),
        ([CALL, OUTPUT], [{"role": "assistant", "content": "", "tool_calls": [ASKED]}, ANSWERED]),
        (
            [CALL, {"role": "assistant", "content": "b"}, OUTPUT],
            [{"role": "assistant", "content": "b", "tool_calls": [ASKED]}, ANSWERED],
        ),
        (
            [
                {"type": "reasoning", "encrypted_content": "hm"},
                {"role": "assistant", "content": [{"type": "output_text", "text": "b"}]},
            ],
            [{"role": "assistant", "content": "b", "thinking": "hm"}],
        ),
        (
            [{"role": "user", "content": [{"type": "input_image", "image_url": ""}]}],
            [{"role": "user", "content": ""}],
        ),
        ([{"type": "web_search_call"}], []),
    ],
)
def test_items_become_turns(items: Any, messages: list[Any]) -> None:
    assert chat_body({"model": "m", "input": items})["messages"] == messages


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"input": [{**CALL, "arguments": "x"}]}, "failed to parse function call arguments"),
        ({"input": [{**CALL, "arguments": "1"}]}, "not an object"),
        ({"reasoning": {"effort": "odd"}}, "invalid reasoning value"),
        ({"text": {"format": {"type": "json_schema", "schema": 1}}}, 'invalid format: "1"'),
    ],
)
def test_what_cannot_be_meant_is_a_status_400(more: dict[str, Any], text: str) -> None:
    with pytest.raises(OllamaError, match=text) as refused:
        chat_body({"model": "m", "input": "a", **more})
    assert refused.value.status == 400


def test_tools_of_a_namespace_are_called_by_both_names() -> None:
    inner = {"type": "namespace", "name": "b", "tools": [{"type": "function", "name": "f"}]}
    named = {"type": "function", "name": "a.g"}
    tools = [{"type": "namespace", "name": "a", "tools": [inner, named]}, {"type": "web_search"}]
    made = chat_body({"model": "m", "tools": tools})["tools"]
    assert [tool["function"]["name"] for tool in made] == ["a.b.f", "a.g"]
    assert search_tools({"tools": tools}) == ["web_search"]
