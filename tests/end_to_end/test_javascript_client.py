"""The official JavaScript client over the scripted backend: a whole conversation."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.javascript import beside_the_clients, needs_node, run
from tests.service import Service
from tests.upstream import Upstream, drip

pytestmark = needs_node


@pytest.fixture(scope="module")
def script() -> Path:
    return beside_the_clients(Path(__file__).with_name("conversation.mjs"))


@pytest.fixture
def take(script: Path, scripted_service: Service) -> Callable[[str], Any]:
    """Takes one step of the conversation; gives what the client saw."""
    return lambda step: run(script, scripted_service.url, step)


def test_the_models_are_listed_and_shown(take: Callable[[str], Any]) -> None:
    assert "native-tools:latest" in take("list")["value"]
    assert take("show")["value"]["capabilities"] == ["completion", "tools"]


def test_an_unknown_model_is_not_found(take: Callable[[str], Any]) -> None:
    assert take("unknown") == {"error": "model 'nothing' not found", "status": 404}


def test_a_chat_whole_and_streamed(take: Callable[[str], Any], scripted_upstream: Upstream) -> None:
    scripted_upstream.turns([{}])
    assert take("chat")["value"]["message"] == {"role": "assistant", "content": "Hello there!"}
    frames = take("stream")["value"]
    assert "".join(frame["message"]["content"] for frame in frames) == "Hello there!"
    assert [frame["done"] for frame in frames].count(True) == 1


def test_a_tool_is_called_and_its_result_goes_back(
    take: Callable[[str], Any], scripted_upstream: Upstream
) -> None:
    call = {"id": "call_abc", "name": "get_weather", "arguments": {"city": "Paris"}}
    scripted_upstream.turns([{"chunks": [{"tool_calls": [call]}]}, {"chunks": ["11 degrees."]}])
    value = take("tools")["value"]
    [made] = value["first"]["message"]["tool_calls"]
    assert made["function"]["arguments"] == {"city": "Paris"}
    assert value["second"]["message"]["content"] == "11 degrees."
    messages = scripted_upstream.generations()[1].body["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant", "tool"]
    assert messages[2]["tool_call_id"] == messages[1]["tool_calls"][0]["id"]
    assert json.loads(messages[1]["tool_calls"][0]["function"]["arguments"]) == {"city": "Paris"}


def test_an_image_arrives_as_a_data_url(
    take: Callable[[str], Any], scripted_upstream: Upstream
) -> None:
    scripted_upstream.turns([{}])
    assert take("image")["value"]["done"] is True
    parts = scripted_upstream.generations()[0].body["messages"][0]["content"]
    assert [part["type"] for part in parts] == ["text", "image_url"]
    assert parts[1]["image_url"]["url"].startswith("data:image/png;base64,iVBOR")


def test_a_schema_arrives_as_a_response_format(
    take: Callable[[str], Any], scripted_upstream: Upstream
) -> None:
    scripted_upstream.turns([{"chunks": ['{"a":', "1}"]}])
    assert json.loads(take("schema")["value"]["message"]["content"]) == {"a": 1}
    requested = scripted_upstream.generations()[0].body["response_format"]
    assert requested["type"] == "json_schema"
    assert requested["json_schema"]["schema"]["required"] == ["a"]


def test_thoughts_come_apart_from_the_answer(
    take: Callable[[str], Any], scripted_upstream: Upstream
) -> None:
    scripted_upstream.turns([{"chunks": [{"reasoning_content": "hm"}, "Yes"]}])
    frames = take("thinking")["value"]
    assert "".join(frame["message"].get("thinking", "") for frame in frames) == "hm"
    assert "".join(frame["message"]["content"] for frame in frames) == "Yes"


def test_logprobs_come_in_ollamas_shape(
    take: Callable[[str], Any], scripted_upstream: Upstream
) -> None:
    scripted_upstream.turns([{}])
    logprobs = take("logprobs")["value"]["logprobs"]
    assert [one["token"] for one in logprobs] == ["Hello", " there", "!"]
    assert [len(one["top_logprobs"]) for one in logprobs] == [2, 2, 2]


def test_embeddings_come_as_unit_vectors(
    take: Callable[[str], Any], scripted_upstream: Upstream
) -> None:
    scripted_upstream.turns([{}])
    vectors = take("embed")["value"]["embeddings"]
    assert [round(sum(x * x for x in vector), 3) for vector in vectors] == [1, 1]


def test_an_aborted_stream_stops_the_backend(
    take: Callable[[str], Any], scripted_upstream: Upstream
) -> None:
    scripted_upstream.script([drip("a", 0.05)])
    value = take("abort")["value"]
    assert (value["seen"][:2], value["error"]) == (["a", "a"], "AbortError")
    scripted_upstream.wait_for_hang_up()


def test_every_management_call(take: Callable[[str], Any], scripted_upstream: Upstream) -> None:
    scripted_upstream.turns([{}])
    seen = take("manage")["value"]
    assert seen["created"]["status"] == "success"
    assert seen["answer"]["message"]["content"] == "Hello there!"
    assert seen["shown"]["system"] == "You are a pirate."
    assert seen["pulled"][-1] == {"status": "success"}
    assert "js-pirate:latest" in seen["running"]
    assert not {"js-pirate:latest", "js-copy:latest"} & set(seen["left"])
    sent = scripted_upstream.generations()[-1].body
    assert sent["messages"][0] == {"role": "system", "content": "You are a pirate."}
    assert sent["temperature"] == 0.25
