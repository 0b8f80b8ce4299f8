"""A body of `/v1/messages` as a chat: recordings, tools, images, thoughts (management.md §4.7)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ollama_facade.errors import OllamaError
from ollama_facade.translate.apis.anthropic_parser import chat_body, estimated_tokens
from ollama_facade.translate.tools import search_tools
from tests.operations.recorded import cases, recorded

REFUSED = [
    name
    for name in recorded("anthropic", r"^anthropic/")
    if cases("anthropic")[name]["response"]["headers"].get("Content-Type", "").endswith("utf-8")
]


@pytest.mark.parametrize("name", REFUSED)
def test_a_body_is_refused_as_recorded(name: str) -> None:
    case = cases("anthropic")[name]
    with pytest.raises(OllamaError) as refused:
        chat_body(case["request"]["body"])
    assert refused.value.status == case["response"]["status"]
    assert refused.value.message == json.loads(case["response"]["body"])["error"]["message"]


def stated(*messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    return chat_body({"model": "m", "max_tokens": 5, "messages": list(messages), **more})


def blocks(*given: dict[str, Any], role: str = "user") -> Any:
    return stated({"role": role, "content": list(given)})["messages"]


def test_a_call_and_its_result_are_turns_of_their_own_and_the_result_precedes_the_text() -> None:
    use = {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}}
    result = {"type": "tool_result", "tool_use_id": "c1", "content": "2"}
    call = {"id": "c1", "function": {"name": "f", "arguments": {"a": 1}}}
    assert blocks(use, role="assistant") == [
        {"role": "assistant", "content": "", "tool_calls": [call]}
    ]
    assert blocks({"type": "text", "text": "so?"}, result) == [
        {"role": "tool", "content": "2", "tool_call_id": "c1"},
        {"role": "user", "content": "so?"},
    ]


@pytest.mark.parametrize(
    ("content", "turn"),
    [
        ([5, {"type": "text", "text": "a"}, {"type": "text", "text": 1}], {"content": "a"}),
        (7, {"content": ""}),
        (
            [{"type": "image", "source": {"type": "base64", "data": "AAAA"}}],
            {"content": "", "images": ["AAAA"]},
        ),
    ],
)
def test_of_a_result_counts_what_is_text_or_image(content: Any, turn: dict[str, Any]) -> None:
    result = {"type": "tool_result", "tool_use_id": "c", "content": content}
    assert blocks(result) == [{"role": "tool", "tool_call_id": "c", **turn}]


def test_an_image_of_a_result_needs_a_source() -> None:
    with pytest.raises(OllamaError, match="invalid tool_result image source"):
        blocks({"type": "tool_result", "content": [{"type": "image", "source": 1}]})


@pytest.mark.parametrize(
    "system", ["ab", [{"type": "text", "text": "a"}, 1, {"type": "text", "text": "b"}]]
)
def test_a_system_text_comes_first(system: Any) -> None:
    reported = stated({"role": "user", "content": "x"}, system=system)
    assert reported["messages"][0] == {"role": "system", "content": "ab"}


@pytest.mark.parametrize(
    ("requested", "think"),
    [
        ({"thinking": {"type": "enabled"}}, True),
        ({"thinking": {"type": "disabled"}, "output_config": {"effort": "low"}}, False),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": " XHigh "}}, "high"),
        ({"output_config": {"effort": "odd"}}, None),
        ({}, None),
    ],
)
def test_thinking_is_what_was_asked_for(requested: dict[str, Any], think: Any) -> None:
    assert stated({"role": "user", "content": "x"}, **requested)["think"] == think


def test_a_search_of_the_web_is_search_tools_and_named() -> None:
    tools = [{"type": "web_search_20250305", "name": "web_search"}, {"name": "f"}]
    chat = stated({"role": "user", "content": "x"}, tools=tools)
    assert [tool["function"]["name"] for tool in chat["tools"]] == ["f"]
    assert search_tools({"tools": tools}) == ["web_search"]
    assert search_tools({"tools": tools[1:]}) == []


def test_the_estimate_is_a_fourth_of_the_bytes() -> None:
    body = cases("anthropic")["anthropic/native-tool-call"]["request"]["body"]
    assert 50 <= estimated_tokens(body) <= 63
    assert estimated_tokens({"messages": [{"role": "user", "content": "Hi"}]}) == 1
