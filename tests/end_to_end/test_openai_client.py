"""The official OpenAI client on `/v1`: backends with all routes, with few, and a real model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.end_to_end.stage import PNG, Stage
from tests.service import Service

HI: list[Any] = [{"role": "user", "content": "Hi"}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
FUNCTION = {"name": "get_weather", "description": "Weather of a city", "parameters": SCHEMA}
CALL = {"tool_calls": [{"id": "call_1", "name": "get_weather", "arguments": {"city": "Paris"}}]}


@pytest.fixture
def client(stage: Stage) -> Iterator[openai.OpenAI]:
    url = stage.service.url + "/v1"
    with openai.OpenAI(base_url=url, api_key="none", max_retries=0) as made:
        yield made


def respond(client: openai.OpenAI, streamed: bool, **given: Any) -> Any:
    """The response, put together by the client where it is streamed."""
    if not streamed:
        return client.responses.create(**given)
    with client.responses.stream(**given) as stream:
        return stream.get_final_response()


def test_models_are_listed_and_looked_up(client: openai.OpenAI) -> None:
    assert "native:latest" in [model.id for model in client.models.list()]
    assert client.models.retrieve("native").id == "native"


def test_a_text_is_continued_whole_and_streamed(client: openai.OpenAI) -> None:
    whole = client.completions.create(model="native", prompt="x")
    assert whole.choices[0].text == "Hello there!"
    chunks = client.completions.create(model="native", prompt="x", stream=True)
    assert "".join(chunk.choices[0].text for chunk in chunks if chunk.choices) == "Hello there!"


def test_texts_become_vectors(client: openai.OpenAI) -> None:
    answer = client.embeddings.create(model="emb", input=["a", "b"])
    assert [len(one.embedding) for one in answer.data] == [8, 8]


def test_a_chat_with_a_tool_over_two_turns(client: openai.OpenAI, stage: Stage) -> None:
    stage.turns({"chunks": [CALL]}, {"chunks": ["11 degrees."]})
    tools: list[Any] = [{"type": "function", "function": FUNCTION}]
    given: dict[str, Any] = {"model": "native-tools", "tools": tools}
    first = client.chat.completions.create(messages=HI, **given).choices[0].message
    [call] = first.tool_calls or []
    result = {"role": "tool", "tool_call_id": call.id, "content": "11"}
    messages: list[Any] = [*HI, first.model_dump(exclude_none=True), result]
    with client.chat.completions.stream(messages=messages, **given) as stream:
        second = stream.get_final_completion()
    assert second.choices[0].message.content == "11 degrees."
    sent = stage.upstream.generations()[1].body["messages"]
    assert sent[2]["tool_call_id"] == sent[1]["tool_calls"][0]["id"] == "call_1"


@pytest.mark.parametrize("streamed", (False, True))
def test_a_response_is_given_under_the_clients_name(
    client: openai.OpenAI, stage: Stage, streamed: bool
) -> None:
    extra = {"client_extra": {"a": [1]}}
    given = {"model": "NATIVE", "input": "Hi", "instructions": "Be brief.", "extra_body": extra}
    response = respond(client, streamed, **given)
    assert (response.output_text, response.model) == ("Hello there!", "NATIVE")
    assert (response.status, response.usage.output_tokens) == ("completed", 3)
    [requested] = stage.requested()
    assert requested.body["model"] == "native"
    if stage.relays:
        assert requested.body["client_extra"] == {"a": [1]}
        assert "temperature" not in requested.body
        assert response.backend_extra == 1
    else:
        assert requested.body["messages"][0] == {"role": "system", "content": "Be brief."}


def test_every_event_of_a_response_comes_in_order(client: openai.OpenAI, stage: Stage) -> None:
    stage.turns({"chunks": [{"reasoning_content": "hm"}, "Yes", CALL]})
    events: list[Any] = list(client.responses.create(model="native-think", input="Hi", stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    kinds = [event.type for event in events]
    assert kinds[:2] == ["response.created", "response.in_progress"]
    assert kinds[-1] == "response.completed"
    added = [event.item for event in events if event.type == "response.output_item.added"]
    done = [event.item for event in events if event.type == "response.output_item.done"]
    assert [item.type for item in added] == ["reasoning", "message", "function_call"]
    assert [item.id for item in done] == [item.id for item in added]
    assert {event.response.model for event in events if hasattr(event, "response")} == {
        "native-think"
    }


@pytest.mark.parametrize("streamed", (False, True))
def test_a_tool_is_called_and_its_result_goes_back(
    client: openai.OpenAI, stage: Stage, streamed: bool
) -> None:
    stage.turns({"chunks": [CALL]}, {"chunks": ["11 degrees."]})
    given: dict[str, Any] = {
        "model": "native-tools",
        "tools": [{"type": "function", "strict": False, **FUNCTION}],
    }
    first = respond(client, streamed, input=HI, **given)
    [call] = [item for item in first.output if item.type == "function_call"]
    assert (call.name, json.loads(call.arguments)) == ("get_weather", {"city": "Paris"})
    asked_back = call.model_dump(include={"type", "call_id", "name", "arguments"})
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "11"}
    second = respond(client, streamed, input=[*HI, asked_back, result], **given)
    assert second.output_text == "11 degrees."
    body = stage.requested()[1].body
    if stage.relays:
        assert body["input"][2] == result
    else:
        assert body["messages"][2]["tool_call_id"] == body["messages"][1]["tool_calls"][0]["id"]


def test_an_image_reaches_the_backend(client: openai.OpenAI, stage: Stage) -> None:
    url = f"data:image/png;base64,{PNG}"
    content: list[Any] = [
        {"type": "input_text", "text": "What is it?"},
        {"type": "input_image", "image_url": url, "detail": "auto"},
    ]
    given: list[Any] = [{"role": "user", "content": content}]
    assert client.responses.create(model="vision", input=given).output_text == "Hello there!"
    body = stage.requested()[0].body
    if stage.relays:
        assert body["input"] == given
    else:
        assert [part.get("image_url") for part in body["messages"][0]["content"]][1] == {"url": url}


@pytest.mark.parametrize("stream", (False, True))
def test_an_unknown_model_is_not_found(client: openai.OpenAI, stage: Stage, stream: bool) -> None:
    with pytest.raises(openai.NotFoundError, match="model 'nope' not found"):
        client.responses.create(model="nope", input="Hi", stream=stream)
    assert stage.requested() == []


@pytest.mark.parametrize("stream", (False, True))
def test_a_failure_of_the_backend_has_its_status(
    client: openai.OpenAI, stage: Stage, stream: bool
) -> None:
    error = {"error": {"type": "x", "message": "too many"}}
    stage.turns({"status": 429, "error": error})
    with pytest.raises(openai.RateLimitError, match="too many"):
        client.responses.create(model="native", input="Hi", stream=stream)


@pytest.mark.parametrize("how", ("drop", "end", "event", "garbage"))
def test_a_stream_that_breaks_off_never_looks_whole(
    client: openai.OpenAI, stage: Stage, how: str
) -> None:
    stage.turns({"fail_after": 2, "how": how})
    kinds: list[str] = []
    try:
        events = client.responses.create(model="native", input="Hi", stream=True)
        kinds.extend(event.type for event in events)
    except openai.APIError:
        kinds.append("raised")
    assert kinds[-1] == ("raised" if stage.relays else "response.failed")
    assert "response.completed" not in kinds


def test_a_real_model_answers(local_service: Service) -> None:
    paris: list[Any] = [{"role": "user", "content": "What is the capital of France?"}]
    with openai.OpenAI(base_url=local_service.url + "/v1", api_key="none") as client:
        answer = client.chat.completions.create(
            model="smollm2", messages=paris, max_tokens=24, temperature=0
        )
        text = answer.choices[0].message.content or ""
        assert "Paris" in text
        with client.chat.completions.stream(
            model="smollm2", messages=paris, max_tokens=24, temperature=0
        ) as stream:
            assert stream.get_final_completion().choices[0].message.content == text
        for streamed in (False, True):
            response = respond(
                client,
                streamed,
                model="smollm2",
                input=paris,
                max_output_tokens=24,
                temperature=0,
            )
            assert "Paris" in response.output_text
            assert response.usage.output_tokens <= 24
        assert client.completions.create(model="smollm2", prompt="One, two,", max_tokens=4).usage
        assert len(client.embeddings.create(model="smollm2", input="a").data[0].embedding) == 576
