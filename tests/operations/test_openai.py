"""The official OpenAI client against `/v1`, over the scripted backend."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.service import Service
from tests.upstream import Upstream

HI: list[Any] = [{"role": "user", "content": "Hi"}]
WEATHER: list[Any] = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "strict": True,
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
        },
    }
]
CALL = {"tool_calls": [{"id": "call_1", "name": "get_weather", "arguments": {"city": "Paris"}}]}


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream() as server:
        yield server


@pytest.fixture(scope="module")
def service(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder: Path = tmp_path_factory.mktemp("models")
    (folder / "pirate.yaml").write_text(
        "model: pirate\nfrom: native\nsystem: Arr.\nparameters: {seed: 7, temperature: 0.2}\n",
        "utf-8",
    )
    settings = {"OPENAI_BASE_URL": upstream.base_url, "OLLAMA_MODELS": str(folder)}
    with Service(settings) as started:
        yield started


@pytest.fixture
def client(service: Service, upstream: Upstream) -> Iterator[openai.OpenAI]:
    upstream.turns([{}])
    with openai.OpenAI(base_url=service.url + "/v1", api_key="none", max_retries=0) as made:
        yield made


def test_models_are_listed_and_looked_up(client: openai.OpenAI) -> None:
    assert "native:latest" in [model.id for model in client.models.list().data]
    assert client.models.retrieve("native").owned_by == "library"


def test_a_chat_is_answered_under_the_clients_name(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="NATIVE", messages=HI)
    assert answer.model == "NATIVE"
    assert answer.choices[0].message.content == "Hello there!"


def test_a_chat_streams(client: openai.OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model="native", messages=HI, stream=True, stream_options={"include_usage": True}
        )
    )
    texts = [choice.delta.content or "" for chunk in chunks for choice in chunk.choices]
    assert "".join(texts) == "Hello there!"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 3


@pytest.mark.parametrize("stream", [False, True])
def test_tool_calls_come_whole(client: openai.OpenAI, upstream: Upstream, stream: bool) -> None:
    upstream.turns([{"chunks": [CALL]}])
    arguments: dict[str, Any] = {"model": "native", "messages": HI, "tools": WEATHER}
    if stream:
        chunks = client.chat.completions.create(**arguments, tool_choice="auto", stream=True)
        deltas = [choice.delta for chunk in chunks for choice in chunk.choices]
        calls = [call for delta in deltas for call in delta.tool_calls or []]
    else:
        answer = client.chat.completions.create(**arguments, tool_choice="auto")
        assert answer.choices[0].finish_reason == "tool_calls"
        calls = answer.choices[0].message.tool_calls
    assert [call.function.name for call in calls] == ["get_weather"]
    requested = upstream.generations()[-1].body
    assert requested["tools"] == WEATHER
    assert requested["tool_choice"] == "auto"


def test_the_presets_of_a_model_apply_and_unknown_parameters_are_named(
    client: openai.OpenAI, upstream: Upstream
) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model="pirate", messages=HI, extra_body={"mirostat": 2}
    )
    requested = upstream.generations()[-1].body
    assert requested["messages"][0] == {"role": "system", "content": "Arr."}
    assert (requested["seed"], requested["temperature"], requested["model"]) == (7, 1.0, "native")
    assert raw.headers["Facade-Dropped"] == "mirostat"


def test_a_stream_that_breaks_off_raises_in_the_client(
    client: openai.OpenAI, upstream: Upstream
) -> None:
    upstream.turns([{"fail_after": 2, "how": "drop"}])
    with pytest.raises(openai.APIError):
        list(client.chat.completions.create(model="native", messages=HI, stream=True))


def test_an_unknown_model_is_not_found(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="model 'nope' not found"):
        client.chat.completions.create(model="nope", messages=HI)


def test_a_text_is_continued(client: openai.OpenAI) -> None:
    assert client.completions.create(model="native", prompt="x").choices[0].text == "Hello there!"


def test_texts_become_unit_vectors(client: openai.OpenAI) -> None:
    vectors = client.embeddings.create(model="emb", input=["a", "b"]).data
    assert [round(sum(x * x for x in one.embedding), 4) for one in vectors] == [1, 1]


def test_speech_on_a_backend_without_it_is_an_honest_error(client: openai.OpenAI) -> None:
    with pytest.raises(openai.InternalServerError, match="no transcription of speech") as caught:
        client.audio.transcriptions.create(model="native", file=("a.wav", b"RIFF\r\n\r\nWAVE"))
    assert caught.value.status_code == 501
