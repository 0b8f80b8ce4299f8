import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_facade.errors import OllamaError
from ollama_facade.translate.chunks import parse_chunk, read_timings, read_usage
from ollama_facade.translate.deltas import StreamDelta, Timings, ToolCallDelta, Usage

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda children: (
        st.lists(children)
        | st.dictionaries(
            st.sampled_from(
                ["choices", "delta", "message", "content", "tool_calls", "function", "index",
                 "finish_reason", "usage", "error", "logprobs", "name", "arguments", "text", "id"]
            ),
            children,
        )
    ),
    max_leaves=20,
)  # fmt: skip


def chunk(**delta: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta}]}


@given(JSON)
def test_any_json_is_a_delta_or_nothing_or_one_error(event: Any) -> None:
    with contextlib.suppress(OllamaError):
        delta = parse_chunk(event)
        assert delta is None or isinstance(delta, StreamDelta)


@pytest.mark.parametrize(
    ("delta", "content"),
    (
        ({"content": "a"}, "a"),
        ({"content": None}, ""),
        ({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, "ab"),
        ({"refusal": "No."}, "No."),
        ({}, ""),
        ({"audio": {}, "annotations": []}, ""),
    ),
)
def test_content_is_text_whatever_its_form(delta: dict[str, Any], content: str) -> None:
    found = parse_chunk(chunk(**delta))
    assert (found.content if found else "") == content


@pytest.mark.parametrize("key", ("reasoning_content", "reasoning"))
def test_reasoning_is_read_under_both_names(key: str) -> None:
    found = parse_chunk(chunk(**{key: "Hm"}))
    assert found is not None
    assert found.thinking == "Hm"


@pytest.mark.parametrize("event", ([1], 7, "x", None, True))
def test_an_event_that_is_no_object_is_unreadable(event: Any) -> None:
    with pytest.raises(OllamaError, match="backend sent something unreadable") as caught:
        parse_chunk(event)
    assert caught.value.status == 502


def test_content_that_is_a_number_is_unreadable() -> None:
    with pytest.raises(OllamaError, match="unreadable"):
        parse_chunk(chunk(content=5))


@pytest.mark.parametrize(
    ("event", "status", "text"),
    (
        ({"error": "boom"}, 502, "boom"),
        ({"error": {"message": "slow down", "code": 429}}, 429, "slow down"),
        ({"error": {"message": "x", "code": "rate_limit"}}, 502, "x"),
        ({"error": {}}, None, None),
        ({"error": {"error": {"message": "deep"}}}, 502, "deep"),
        (
            {"error": {"code": 503, "message": "gone"}, "choices": [{"finish_reason": "error"}]},
            503,
            "gone",
        ),
        (
            {"choices": [{"delta": {}, "finish_reason": "error"}]},
            502,
            "backend reported an error without a message",
        ),
    ),
)
def test_an_error_event_has_its_own_message_and_status(
    event: dict[str, Any], status: int | None, text: str | None
) -> None:
    if status is None:
        assert parse_chunk(event) is None
        return
    with pytest.raises(OllamaError) as caught:
        parse_chunk(event)
    assert (caught.value.status, caught.value.message) == (status, text)


@pytest.mark.parametrize(
    "choices", (None, [], "x", [None], [{"index": 1, "delta": {"content": "b"}}])
)
def test_an_event_without_the_first_choice_says_nothing(choices: Any) -> None:
    assert parse_chunk({"choices": choices}) is None


def test_the_choice_with_index_zero_is_read_wherever_it_stands() -> None:
    event = {
        "choices": [
            {"index": 1, "delta": {"content": "b"}},
            {"index": 0, "delta": {"content": "a"}},
        ]
    }
    found = parse_chunk(event)
    assert found is not None
    assert found.content == "a"


@pytest.mark.parametrize(
    ("usage", "found"),
    (
        ({"prompt_tokens": 3, "completion_tokens": 0}, Usage(3, 0)),
        ({"prompt_tokens": "3", "completion_tokens": -1}, None),
        ({"input_tokens": 3}, Usage(3, None)),
        (None, None),
        ([], None),
    ),
)
def test_counts_are_taken_as_reported_or_not_at_all(usage: Any, found: Usage | None) -> None:
    assert read_usage(usage) == found


def test_cached_tokens_of_llama_cpp_count_as_prompt() -> None:
    timings = {
        "prompt_n": 6,
        "cache_n": 20,
        "prompt_ms": 12.5,
        "predicted_n": 1,
        "predicted_ms": 40.25,
    }
    assert read_timings(timings) == Timings(26, 1, 12_500_000, 40_250_000)


def test_a_legacy_function_call_and_object_arguments_are_understood() -> None:
    found = parse_chunk(chunk(function_call={"name": "f", "arguments": {"a": 1}}))
    assert found is not None
    assert list(found.calls) == [
        ToolCallDelta(0, "", "f", json.dumps({"a": 1}, separators=(",", ":")))
    ]


def test_a_whole_answer_and_a_text_completion_are_read_as_deltas() -> None:
    whole = parse_chunk({"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]})
    text = parse_chunk({"choices": [{"text": "Hi", "finish_reason": "length"}]})
    assert whole is not None
    assert text is not None
    assert (whole.content, whole.finish) == ("Hi", "stop")
    assert (text.content, text.finish) == ("Hi", "length")
