"""The official Anthropic client against `/v1/messages`: relayed, translated, and a real model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest

from tests.end_to_end.stage import PNG, Stage
from tests.service import Service

HI: list[Any] = [{"role": "user", "content": "Hi"}]
WEATHER: list[Any] = [
    {
        "name": "get_weather",
        "description": "Weather of a city",
        "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
    }
]
CALL = {"tool_calls": [{"id": "toolu_1", "name": "get_weather", "arguments": {"city": "Paris"}}]}
LIMIT = 100


@pytest.fixture
def client(stage: Stage) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=stage.service.url, api_key="none", max_retries=0) as made:
        yield made


def texts(message: Any) -> list[str]:
    return [block.text for block in message.content if block.type == "text"]


def test_a_message_is_answered_under_the_clients_name(
    client: anthropic.Anthropic, stage: Stage
) -> None:
    message = client.messages.create(
        model="NATIVE",
        messages=HI,
        max_tokens=LIMIT,
        system="Be brief.",
        extra_body={"client_extra": {"a": [1]}},
    )
    assert texts(message) == ["Hello there!"]
    assert (message.model, message.role, message.stop_reason) == ("NATIVE", "assistant", "end_turn")
    assert message.usage.output_tokens == 3
    [requested] = stage.requested()
    assert requested.body["model"] == "native"
    if stage.relays:
        assert requested.body["client_extra"] == {"a": [1]}
        assert requested.headers["anthropic-version"]
        assert message.model_extra == {"backend_extra": 1}
    else:
        assert requested.body["messages"][0] == {"role": "system", "content": "Be brief."}


def test_a_message_streams(client: anthropic.Anthropic) -> None:
    with client.messages.stream(model="NATIVE", messages=HI, max_tokens=LIMIT) as stream:
        kinds = [event.type for event in stream]
        message = stream.get_final_message()
    assert texts(message) == ["Hello there!"]
    assert (message.model, message.stop_reason) == ("NATIVE", "end_turn")
    assert message.usage.output_tokens == 3
    assert (kinds[0], kinds[-1]) == ("message_start", "message_stop")
    assert kinds.count("text") == 3


def test_a_cut_answer_says_so(client: anthropic.Anthropic, stage: Stage) -> None:
    stage.turns({"finish": "limit"})
    message = client.messages.create(model="native", messages=HI, max_tokens=LIMIT)
    assert message.stop_reason == "max_tokens"


@pytest.mark.parametrize("streamed", (False, True))
def test_a_tool_is_called_and_its_result_goes_back(
    client: anthropic.Anthropic, stage: Stage, streamed: bool
) -> None:
    stage.turns({"chunks": [CALL]}, {"chunks": ["11 degrees."]})

    def ask(messages: list[Any]) -> Any:
        given: dict[str, Any] = {"model": "native-tools", "max_tokens": LIMIT, "tools": WEATHER}
        if not streamed:
            return client.messages.create(messages=messages, **given)
        with client.messages.stream(messages=messages, **given) as stream:
            return stream.get_final_message()

    first = ask(HI)
    assert first.stop_reason == "tool_use"
    [use] = [block for block in first.content if block.type == "tool_use"]
    assert (use.name, use.input) == ("get_weather", {"city": "Paris"})
    result = {"type": "tool_result", "tool_use_id": use.id, "content": "11"}
    content = [block.model_dump(exclude_none=True) for block in first.content]
    second = ask(
        [
            *HI,
            {"role": "assistant", "content": content},
            {"role": "user", "content": [result]},
        ]
    )
    assert texts(second) == ["11 degrees."]
    sent = stage.requested()[1].body["messages"]
    if stage.relays:
        assert sent[2]["content"] == [result]
    else:
        assert [message["role"] for message in sent] == ["user", "assistant", "tool"]
        assert sent[2]["tool_call_id"] == sent[1]["tool_calls"][0]["id"] == use.id
        assert json.loads(sent[1]["tool_calls"][0]["function"]["arguments"]) == {"city": "Paris"}


def test_an_image_reaches_the_backend(client: anthropic.Anthropic, stage: Stage) -> None:
    source = {"type": "base64", "media_type": "image/png", "data": PNG}
    content: list[Any] = [
        {"type": "image", "source": source},
        {"type": "text", "text": "What is it?"},
    ]
    messages: list[Any] = [{"role": "user", "content": content}]
    assert texts(client.messages.create(model="vision", messages=messages, max_tokens=LIMIT))
    [message] = stage.requested()[0].body["messages"]
    if stage.relays:
        assert message["content"] == content
    else:
        urls = [part["image_url"]["url"] for part in message["content"] if "image_url" in part]
        assert urls == [f"data:image/png;base64,{PNG}"]


@pytest.mark.parametrize("streamed", (False, True))
def test_thoughts_come_apart_from_the_answer(
    client: anthropic.Anthropic, stage: Stage, streamed: bool
) -> None:
    stage.turns({"chunks": [{"reasoning_content": "hm"}, "Yes"]})
    given: dict[str, Any] = {
        "model": "native-think",
        "messages": HI,
        "max_tokens": 2048,
        "thinking": {"type": "enabled", "budget_tokens": 1024},
    }
    if streamed:
        with client.messages.stream(**given) as stream:
            message = stream.get_final_message()
    else:
        message = client.messages.create(**given)
    reported = [getattr(block, block.type) for block in message.content]
    assert reported == ["hm", "Yes"]
    assert [block.type for block in message.content] == ["thinking", "text"]


def test_thinking_asked_of_a_model_that_cannot_is_forgiven(
    client: anthropic.Anthropic, stage: Stage
) -> None:
    message = client.messages.create(
        model="native",
        messages=HI,
        max_tokens=2048,
        thinking={"type": "enabled", "budget_tokens": 1024},
    )
    assert texts(message) == ["Hello there!"]
    assert [one.path for one in stage.upstream.requested] == ["/v1/chat/completions"]


@pytest.mark.parametrize(
    ("body", "error", "text"),
    (
        ({"model": "nope"}, anthropic.NotFoundError, "model 'nope' not found"),
        ({"max_tokens": 0}, anthropic.BadRequestError, "max_tokens is required and must be"),
        ({"messages": []}, anthropic.BadRequestError, "messages is required"),
        ({"tools": WEATHER}, anthropic.BadRequestError, "does not support tools"),
    ),
)
def test_ollamas_own_checks_come_first(
    client: anthropic.Anthropic, stage: Stage, body: Any, error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text) as caught:
        client.messages.create(**{"model": "native", "messages": HI, "max_tokens": LIMIT, **body})
    value: Any = caught.value
    assert value.body["type"] == "error"
    assert stage.requested() == []


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    (
        (400, anthropic.BadRequestError, "invalid_request_error"),
        (429, anthropic.RateLimitError, "rate_limit_error"),
        (503, anthropic.InternalServerError, "overloaded_error"),
        (500, anthropic.InternalServerError, "api_error"),
    ),
)
@pytest.mark.parametrize("stream", (False, True))
def test_a_failure_of_the_backend_has_anthropics_type(
    client: anthropic.Anthropic,
    stage: Stage,
    status: int,
    error: type[Exception],
    kind: str,
    stream: bool,
) -> None:
    stage.turns({"status": status, "error": {"error": {"type": "x", "message": "went wrong"}}})
    with pytest.raises(error, match="went wrong") as caught:
        client.messages.create(model="native", messages=HI, max_tokens=LIMIT, stream=stream)
    value: Any = caught.value
    assert value.body["error"]["type"] == kind


@pytest.mark.parametrize("how", ("drop", "end", "event", "garbage"))
def test_a_stream_that_breaks_off_raises_in_the_client(
    client: anthropic.Anthropic, stage: Stage, how: str
) -> None:
    stage.turns({"fail_after": 3, "how": how})
    with (
        pytest.raises(anthropic.APIStatusError),
        client.messages.stream(model="native", messages=HI, max_tokens=LIMIT) as stream,
    ):
        stream.get_final_message()


def test_a_real_model_answers(local_service: Service) -> None:
    paris: list[Any] = [{"role": "user", "content": "What is the capital of France?"}]
    given: dict[str, Any] = {"model": "smollm2", "messages": paris, "max_tokens": 24}
    with anthropic.Anthropic(base_url=local_service.url, api_key="none") as client:
        message = client.messages.create(**given, extra_body={"temperature": 0})
        assert "Paris" in "".join(texts(message))
        assert 0 < message.usage.output_tokens <= 24
        with client.messages.stream(**given, extra_body={"temperature": 0}) as stream:
            assert "Paris" in stream.get_final_text()
