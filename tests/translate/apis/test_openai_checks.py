"""What Ollama refuses of OpenAI's requests, in its words (management.md §4.1-4.3)."""

from __future__ import annotations

from typing import Any

import pytest

from ollama_facade.errors import OllamaError
from ollama_facade.translate.apis.openai_checks import (
    check_messages,
    check_stop_texts,
    embedding_inputs,
    read_effort,
)


def part(**fields: Any) -> list[dict[str, Any]]:
    return [{"content": [fields]}]


def call(arguments: Any) -> list[dict[str, Any]]:
    return [{"content": None, "tool_calls": [{"function": {"arguments": arguments}}]}]


IMAGE = "data:image/png;base64,"
URLS = "image URLs are not currently supported, please use base64 encoded data instead"


@pytest.mark.parametrize(
    ("messages", "reported"),
    [
        ([], "[] is too short - 'messages'"),
        ([{"content": None}], "invalid message content type: <nil>"),
        ([{"content": True}], "invalid message content type: bool"),
        ([{"content": 2.5}], "invalid message content type: float64"),
        ([{"content": {}}], "invalid message content type: map[string]interface {}"),
        (part(type="zzz"), "invalid message format"),
        ([{"content": [None]}], "invalid message format"),
        (part(type="text", text=1), "invalid message format"),
        (part(type="image_url", image_url=1), "invalid message format"),
        (part(type="image_url", image_url={"url": "https://x"}), URLS),
        (part(type="image_url", image_url="data:image/gif;base64,AAAA"), "invalid image input"),
        (part(type="image_url", image_url=IMAGE + "!"), "invalid image input"),
        (part(type="input_audio", input_audio=1), "invalid input_audio format"),
        (part(type="input_audio", input_audio={}), "invalid input_audio format: missing data"),
        (
            part(type="input_audio", input_audio={"data": "!"}),
            "invalid input_audio base64 data: illegal base64 data at input byte 0",
        ),
        (call("x"), "invalid tool call arguments"),
        (call("[]"), "invalid tool call arguments"),
        (call(None), "invalid tool call arguments"),
        (call("[" * 100_000), "invalid tool call arguments"),
    ],
)
def test_a_message_is_refused_in_ollamas_words(messages: Any, reported: str) -> None:
    with pytest.raises(OllamaError) as refused:
        check_messages(messages)
    assert (refused.value.status, refused.value.message) == (400, reported)


def test_texts_images_sounds_and_calls_are_taken() -> None:
    check_messages([{"content": "a"}, *call('{"a":1}'), {"content": None, "tool_calls": []}])
    check_messages(part(type="image_url", image_url={"url": IMAGE + "AAAA"}))
    check_messages(part(type="input_audio", input_audio={"data": "AAAA"}))


@pytest.mark.parametrize(
    ("body", "think"),
    [
        ({}, None),
        ({"reasoning_effort": "none"}, False),
        ({"reasoning_effort": "minimal"}, "low"),
        ({"reasoning_effort": "ultra"}, "max"),
        ({"reasoning_effort": "low", "reasoning": {"effort": "high"}}, "high"),
    ],
)
def test_an_effort_is_a_think(body: dict[str, Any], think: Any) -> None:
    assert read_effort(body)[1] == think


def test_a_word_that_is_no_effort_is_refused() -> None:
    with pytest.raises(OllamaError, match='invalid reasoning value: "odd"'):
        read_effort({"reasoning_effort": "odd"})


def test_a_list_of_stops_is_of_texts() -> None:
    check_stop_texts(["a"])
    check_stop_texts(5)
    with pytest.raises(OllamaError, match="invalid type for 'stop' field: float64"):
        check_stop_texts(["a", 1])


@pytest.mark.parametrize(
    ("body", "reported"),
    [
        ({}, "invalid input"),
        ({"input": []}, "invalid input"),
        ({"input": "a", "encoding_format": "hex"}, "Invalid value for 'encoding_format' = hex"),
    ],
)
def test_nothing_to_embed_is_refused(body: dict[str, Any], reported: str) -> None:
    with pytest.raises(OllamaError, match=reported):
        embedding_inputs(body)


def test_a_text_to_embed_is_a_list_of_one() -> None:
    assert embedding_inputs({"input": "", "encoding_format": "Base64"}) == [""]
    assert embedding_inputs({"input": ["a", "b"]}) == ["a", "b"]
