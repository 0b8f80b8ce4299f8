"""OpenAI's and Anthropic's JavaScript clients on `/v1`: backends with all routes, and with few."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.javascript import beside_the_clients, needs_node, run
from tests.end_to_end.stage import Stage

CALL = {"tool_calls": [{"id": "call_1", "name": "get_weather", "arguments": {"city": "Paris"}}]}

pytestmark = needs_node


@pytest.fixture(scope="module")
def script() -> Path:
    return beside_the_clients(Path(__file__).with_name("other_clients.mjs"))


@pytest.fixture
def take(script: Path, stage: Stage) -> Callable[[str], Any]:
    """Takes one step; gives what the client saw."""
    return lambda step: run(script, stage.service.url, step)


def test_the_models_are_listed(take: Callable[[str], Any]) -> None:
    assert "native:latest" in take("models")["value"]


def test_a_chat_whole_and_streamed(take: Callable[[str], Any]) -> None:
    assert take("chat") == {"value": ["Hello there!"] * 2}


def test_a_tool_in_a_chat_over_two_turns(take: Callable[[str], Any], stage: Stage) -> None:
    stage.turns({"chunks": [CALL]}, {"chunks": ["11 degrees."]})
    function, text = take("chatTools")["value"]
    assert (function["name"], text) == ("get_weather", "11 degrees.")


def test_a_text_is_continued_and_texts_become_vectors(take: Callable[[str], Any]) -> None:
    assert take("completion") == {"value": "Hello there!"}
    assert take("embeddings") == {"value": [8, 8]}


def test_a_response_whole_and_streamed(take: Callable[[str], Any]) -> None:
    assert take("response") == {"value": [["NATIVE", "completed", "Hello there!"]] * 2}


def test_a_tool_in_a_response_over_two_turns(take: Callable[[str], Any], stage: Stage) -> None:
    stage.turns({"chunks": [CALL]}, {"chunks": ["11 degrees."]})
    assert take("responseTools") == {"value": ["get_weather", {"city": "Paris"}, "11 degrees."]}
    assert len(stage.requested()) == 2


def test_a_message_whole_and_streamed(take: Callable[[str], Any]) -> None:
    assert take("message") == {"value": [["NATIVE", "end_turn", "Hello there!"]] * 2}


def test_a_tool_in_a_message_over_two_turns(take: Callable[[str], Any], stage: Stage) -> None:
    stage.turns({"chunks": [CALL]}, {"chunks": ["11 degrees."]})
    expected = ["tool_use", "get_weather", {"city": "Paris"}, "11 degrees."]
    assert take("messageTools") == {"value": expected}
    assert len(stage.requested()) == 2


def test_an_image_reaches_the_backend(take: Callable[[str], Any], stage: Stage) -> None:
    assert take("image") == {"value": "Hello there!"}
    assert b"iVBORw0KGgo" in stage.requested()[0].data


def test_thoughts_come_apart_from_the_answer(take: Callable[[str], Any], stage: Stage) -> None:
    stage.turns({"chunks": [{"reasoning_content": "hm"}, "Yes"]})
    assert take("thinking") == {"value": [["thinking", "hm"], ["text", "Yes"]]}


@pytest.mark.parametrize("step", ("responseUnknown", "messageUnknown"))
def test_an_unknown_model_is_not_found(take: Callable[[str], Any], step: str) -> None:
    seen = take(step)
    assert (seen["kind"], seen["status"]) == ("NotFoundError", 404)
    assert "model 'nothing' not found" in seen["error"]


def test_a_stream_that_breaks_off_never_looks_whole(
    take: Callable[[str], Any], stage: Stage
) -> None:
    stage.turns({"fail_after": 2, "how": "drop"})
    assert "error" in take("messageBroken")
    seen = take("responseBroken")
    assert "error" in seen or seen["value"][-1] == "response.failed"
