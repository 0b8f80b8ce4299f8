"""Backends with the habits of well-known ones, and no setting but their address."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import ollama
import pytest

from tests import raw
from tests.service import CANARY, Service
from tests.upstream import Upstream
from tests.upstream.family import Family, families, play_family

HI = [{"role": "user", "content": "Hi"}]
SCHEMA = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
OPTIONS = {"temperature": 0.5, "top_k": 5, "min_p": 0.1, "num_predict": 20, "seed": 1}
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAA"
    "AABJRU5ErkJggg=="
)


def get_weather(city: str) -> str:
    """The weather of a city.

    Args:
        city: its name
    """
    return f"sunny in {city}"


@dataclass
class Bed:
    """A service over one family, and the official client of it."""

    family: Family
    upstream: Upstream
    service: Service
    client: ollama.Client

    @property
    def model(self) -> str:
        """Its first model."""
        return str(self.family.habits["models"][0]["id"])

    def chat(self, text: str, *, stream: bool, **more: Any) -> raw.Answer:
        """One question to `/api/chat`."""
        messages = [{"role": "user", "content": text}]
        body = {"model": self.model, "messages": messages, "stream": stream, **more}
        return self.service.ask("POST", "/api/chat", body)


ELSEWHERE = ("openai", "deepseek")
"""Also asked at an address that tells nothing: a strict one, and one that its list gives away."""


@pytest.fixture(scope="module", params=[*families(), *(f"{name} elsewhere" for name in ELSEWHERE)])
def bed(request: pytest.FixtureRequest) -> Iterator[Bed]:
    with Upstream() as upstream:
        name, _, elsewhere = request.param.partition(" ")
        family = play_family(upstream, name)
        settings = family.settings(upstream)
        if elsewhere:
            upstream.prefix = ""
            settings = {"OPENAI_BASE_URL": upstream.base_url}
        with Service(settings) as service:
            client = ollama.Client(service.url)
            yield Bed(family, upstream, service, client)
            client._client.close()


def folded(answer: raw.Answer) -> dict[str, Any]:
    """The texts of all frames put together, and the other fields of the last."""
    assert answer.status == 200, answer.text
    frames = answer.lines()
    assert [frame["done"] for frame in frames] == [False] * (len(frames) - 1) + [True]
    message: dict[str, Any] = {"content": "", "thinking": "", "tool_calls": []}
    for frame in frames:
        message["content"] += frame["message"]["content"]
        message["thinking"] += frame["message"].get("thinking", "")
        message["tool_calls"] += frame["message"].get("tool_calls", [])
    return {**frames[-1], "message": message}


@pytest.mark.parametrize("stream", (True, False))
def test_a_chat_with_options_is_answered_and_counted(bed: Bed, stream: bool) -> None:
    answered = folded(bed.chat("Hi", stream=stream, options=OPTIONS))
    assert answered["message"]["content"] == "Hello there!"
    assert (answered["prompt_eval_count"], answered["eval_count"]) == (8, 3)
    assert answered["done_reason"] == "stop"


@pytest.mark.parametrize("stream", (True, False))
def test_thoughts_are_reported_apart_where_the_backend_tells_them(bed: Bed, stream: bool) -> None:
    tells = "thinking" in bed.family.habits
    on = folded(bed.chat("Hi", stream=stream, think=True))["message"]
    off = folded(bed.chat("Hi", stream=stream, think=False))["message"]
    assert (on["thinking"], on["content"]) == ("The user greets me." * tells, "Hello there!")
    assert (off["thinking"], off["content"]) == ("", "Hello there!")


@pytest.mark.parametrize("stream", (True, False))
@pytest.mark.parametrize("think", (True, False))
def test_tools_are_called_and_their_results_are_heard(bed: Bed, stream: bool, think: bool) -> None:
    requested = [{"role": "user", "content": "How is it in Paris and in Rome?"}]
    reported = bed.client.chat(
        bed.model, requested, tools=[get_weather], think=think, stream=stream
    )
    frames = list(reported) if stream else [reported]
    calls = [call for frame in frames for call in frame.message.tool_calls or ()]
    cities = [call.function.arguments for call in calls]
    assert cities == [{"city": "Paris"}, {"city": "Rome"}]
    thinking = "".join(frame.message.thinking or "" for frame in frames) or None
    turn = {"role": "assistant", "tool_calls": calls, "thinking": thinking}
    results = [
        {"role": "tool", "content": get_weather(**city), "tool_name": "get_weather"}
        for city in cities
    ]
    messages = [*requested, turn, *results]
    ended = bed.client.chat(bed.model, messages, tools=[get_weather], think=think)
    assert ended.message.content == "It is sunny in Rome"


@pytest.mark.parametrize("stream", (True, False))
def test_a_format_is_kept_or_the_header_says_that_it_was_not_asked_for(
    bed: Bed, stream: bool
) -> None:
    for form in ("json", SCHEMA):
        answer = bed.chat("Hi", stream=stream, format=form)
        if answer.header("Facade-Dropped") is None:
            assert json.loads(folded(answer)["message"]["content"]) in ({"answer": 7}, {"age": 7})
        else:
            assert (bed.family.name, form) == ("deepseek", SCHEMA)
            assert answer.header("Facade-Dropped") == "format"


def test_an_image_arrives_or_is_refused_in_the_backends_words(bed: Bed) -> None:
    message = {"role": "user", "content": "What is it?", "images": [PIXEL]}
    answer = bed.chat("", stream=False, messages=[message])
    if "no_images" in bed.family.habits:
        assert answer.status == 400
        assert "unknown variant `image_url`" in answer.json()["error"]
    else:
        assert answer.json()["message"]["content"] == "I see 1 image."


@pytest.mark.parametrize("stream", (True, False))
@pytest.mark.parametrize("name", ("limit", "key", "overloaded"))
def test_an_error_is_one_line_of_its_message_and_keeps_what_clients_act_on(
    bed: Bed, name: str, stream: bool
) -> None:
    error = bed.family.habits["errors"][name]
    answer = bed.chat(f"fail:{name}", stream=stream)
    assert answer.status == (502 if error["status"] == 401 else error["status"])
    (line,) = answer.lines()
    assert list(line) == ["error"]
    assert CANARY not in answer.text
    assert answer.header("Retry-After") == error.get("headers", {}).get("retry-after")
    if name != "key":
        assert line["error"] in (error["body"]["error"]["message"], line["error"])
        assert "{" not in line["error"]


def test_an_answer_that_breaks_off_is_no_whole_one(bed: Bed) -> None:
    *frames, last = bed.chat("fail:midway", stream=True).lines()
    assert "".join(frame["message"]["content"] for frame in frames) == "Hello"
    assert not any(frame["done"] for frame in frames)
    midway = bed.family.habits["midway"]
    wanted = "connection" if midway == "cut" else midway["error"]["message"]
    assert wanted in last["error"]


def test_a_stream_of_v1_that_breaks_off_ends_in_its_error(bed: Bed) -> None:
    messages = [{"role": "user", "content": "fail:midway"}]
    body = {"model": bed.model, "messages": messages, "stream": True}
    answer = bed.service.ask("POST", "/v1/chat/completions", body)
    events = [line[6:] for line in answer.text.split("\n\n") if line]
    assert "error" in json.loads(events[-1])
    assert not any('"finish_reason":"stop"' in event for event in events)


@pytest.mark.parametrize("stream", (True, False))
def test_v1_passes_an_answer_on(bed: Bed, stream: bool) -> None:
    body = {"model": bed.model, "messages": HI, "stream": stream}
    answer = bed.service.ask("POST", "/v1/chat/completions", body)
    assert answer.status == 200
    assert "there" in answer.text
    assert answer.text.endswith("data: [DONE]\n\n") is stream


@pytest.mark.parametrize("stream", (True, False))
def test_v1_hears_the_result_of_a_call(bed: Bed, stream: bool) -> None:
    function = {"name": "get_weather", "arguments": '{"city": "Rome"}'}
    call = {"id": "call_0", "type": "function", "function": function}
    turn = {"role": "assistant", "content": None, "tool_calls": [call], "reasoning": "hm"}
    result = {"role": "tool", "tool_call_id": "call_0", "content": "sunny"}
    body = {"model": bed.model, "messages": [*HI, turn, result], "stream": stream}
    answer = bed.service.ask("POST", "/v1/chat/completions", body)
    assert answer.status == 200, answer.text
    assert "sunny" in answer.text
    sent = bed.upstream.generations()[-1].body["messages"][1]
    assert sent.get("reasoning_content") == ("hm" if bed.family.name == "deepseek" else None)


def test_text_and_vectors_come_where_the_backend_has_them(bed: Bed) -> None:
    body = {"model": bed.model, "prompt": "Once", "raw": True, "stream": False}
    text = bed.service.ask("POST", "/api/generate", body)
    vectors = bed.service.ask("POST", "/api/embed", {"model": bed.model, "input": "a"})
    if bed.family.name == "deepseek":
        assert (text.status, vectors.status) == (502, 502)
        reported = {"error": "no such path at the backend"}
        assert (text.json(), vectors.json()) == (reported, reported)
    else:
        assert text.json()["response"] == "Hello there!"
        assert len(vectors.json()["embeddings"][0]) == 8


def test_a_model_that_reasons_is_asked_in_its_own_words() -> None:
    with Upstream() as upstream:
        family = play_family(upstream, "openai")
        with Service(family.settings(upstream)) as service:
            body = {"model": "o4-mini", "messages": HI, "stream": False, "options": OPTIONS}
            answers = [service.ask("POST", "/api/chat", body) for _ in range(2)]
        assert [answer.json()["message"]["content"] for answer in answers] == ["Hello there!"] * 2
        dropped = [set((answer.header("Facade-Dropped") or "").split(", ")) for answer in answers]
        assert dropped == [{"temperature", "top_k", "min_p"}] * 2
        requested = upstream.generations()
        assert len(requested) == 3, "a refusal is learned once"
        assert requested[-1].body["max_completion_tokens"] == 20


def test_every_habit_has_a_source() -> None:
    for family in families().values():
        for habit, source in family.sources.items():
            assert len(source) > 10, (family.name, habit)
