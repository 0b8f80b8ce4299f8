"""The official Python client against `ollama-facade serve --local`: a real model answers."""

from __future__ import annotations

import asyncio
import datetime as dt
import math
from collections.abc import Awaitable, Callable, Iterator

import ollama
import pytest

from tests.service import Service

MODEL = "smollm2"
PARIS = [{"role": "user", "content": "What is the capital of France?"}]
GREEDY = {"temperature": 0, "seed": 1, "num_predict": 24}


@pytest.fixture
def client(local_service: Service) -> Iterator[ollama.Client]:
    made = ollama.Client(local_service.url)
    yield made
    made._client.close()


def run(service: Service, talk: Callable[[ollama.AsyncClient], Awaitable[None]]) -> None:
    """A conversation of the asynchronous client, in a loop of its own."""

    async def whole() -> None:
        client = ollama.AsyncClient(service.url)
        try:
            await talk(client)
        finally:
            await client._client.aclose()

    asyncio.run(whole())


def test_the_model_is_listed_with_its_tag(client: ollama.Client) -> None:
    listed = client.list().models
    assert [model.model for model in listed] == [f"{MODEL}:latest"]
    assert len(listed[0].digest or "") == 64
    assert isinstance(listed[0].modified_at, dt.datetime)


def test_show_tells_what_the_model_is(client: ollama.Client) -> None:
    shown = client.show(MODEL)
    assert "completion" in (shown.capabilities or [])
    architecture = (shown.modelinfo or {})["general.architecture"]
    assert (shown.modelinfo or {})[f"{architecture}.context_length"] > 0
    assert shown.details is not None


def test_an_unknown_model_is_not_found(client: ollama.Client) -> None:
    plain, tagged = "model 'nothing' not found", "model 'nothing:latest' not found"
    for ask, text in (
        (lambda: client.chat("nothing", PARIS), plain),
        (lambda: list(client.chat("nothing", PARIS, stream=True)), plain),
        (lambda: client.generate("nothing", "x"), plain),
        (lambda: client.embed("nothing", "x"), 'model "nothing" not found, try pulling it first'),
        (lambda: client.show("nothing"), tagged),
    ):
        with pytest.raises(ollama.ResponseError) as caught:
            ask()
        assert caught.value.status_code == 404
        assert caught.value.error == text


def test_chat_answers_in_one_piece(client: ollama.Client) -> None:
    answer = client.chat(MODEL, PARIS, options=GREEDY)
    assert "Paris" in (answer.message.content or "")
    assert answer.message.role == "assistant"
    assert answer.done is True
    assert answer.done_reason in ("stop", "length")
    assert (answer.prompt_eval_count or 0) > 5
    assert 0 < (answer.eval_count or 0) <= 24
    assert (answer.total_duration or 0) >= (answer.eval_duration or 0) > 0


def test_chat_streams_and_ends_once(client: ollama.Client) -> None:
    frames = list(client.chat(MODEL, PARIS, options=GREEDY, stream=True))
    assert len(frames) > 3
    assert [frame.done for frame in frames] == [False] * (len(frames) - 1) + [True]
    text = "".join(frame.message.content or "" for frame in frames)
    assert text == client.chat(MODEL, PARIS, options=GREEDY).message.content


def test_generate_answers_in_one_piece(client: ollama.Client) -> None:
    answer = client.generate(MODEL, "What is the capital of France?", options=GREEDY)
    assert "Paris" in answer.response
    assert answer.done is True


def test_generate_streams(client: ollama.Client) -> None:
    frames = list(client.generate(MODEL, "Say yes.", options=GREEDY, stream=True))
    assert frames[-1].done is True
    assert "".join(frame.response for frame in frames)


def test_the_token_budget_ends_the_answer(client: ollama.Client) -> None:
    answer = client.chat(MODEL, PARIS, options={**GREEDY, "num_predict": 2})
    assert answer.done_reason == "length"
    assert answer.eval_count == 2


def test_embed_gives_one_unit_vector_for_each_text(client: ollama.Client) -> None:
    answer = client.embed(MODEL, ["a cat", "a dog", "the stock market"])
    assert len(answer.embeddings) == 3
    for vector in answer.embeddings:
        assert math.isclose(sum(x * x for x in vector), 1, abs_tol=1e-3)
    one = client.embed(MODEL, "a cat").embeddings
    assert one[0] == pytest.approx(answer.embeddings[0], abs=1e-3)


def test_an_empty_prompt_loads_and_keep_alive_0_unloads(client: ollama.Client) -> None:
    loaded = client.generate(MODEL, "", keep_alive="10m")
    assert (loaded.done, loaded.done_reason, loaded.response) == (True, "load", "")
    assert [model.model for model in client.ps().models] == [f"{MODEL}:latest"]
    unloaded = client.generate(MODEL, "", keep_alive=0)
    assert unloaded.done_reason == "unload"
    assert client.ps().models == []


def test_bad_options_are_refused_with_ollamas_text(client: ollama.Client) -> None:
    with pytest.raises(ollama.ResponseError) as caught:
        client.chat(MODEL, PARIS, options={"num_ctx": "many"})
    assert caught.value.error == 'option "num_ctx" must be of type integer'


def test_the_asynchronous_client_lists_shows_and_embeds(local_service: Service) -> None:
    async def talk(client: ollama.AsyncClient) -> None:
        assert [model.model for model in (await client.list()).models] == [f"{MODEL}:latest"]
        assert (await client.show(MODEL)).details is not None
        assert len((await client.embed(MODEL, "x")).embeddings) == 1
        assert (await client.ps()).models[0].model == f"{MODEL}:latest"
        with pytest.raises(ollama.ResponseError, match="model 'nothing' not found"):
            await client.chat("nothing", PARIS)

    run(local_service, talk)


def test_the_asynchronous_client_chats_and_generates(local_service: Service) -> None:
    async def talk(client: ollama.AsyncClient) -> None:
        whole, frames = await asyncio.gather(
            client.chat(MODEL, PARIS, options=GREEDY),
            streamed(client),
        )
        assert "Paris" in (whole.message.content or "")
        assert frames[-1].done is True
        assert (await client.generate(MODEL, "Say yes.", options=GREEDY)).response
        parts = [
            part
            async for part in await client.generate(MODEL, "Say no.", options=GREEDY, stream=True)
        ]
        assert parts[-1].done is True

    async def streamed(client: ollama.AsyncClient) -> list[ollama.ChatResponse]:
        return [part async for part in await client.chat(MODEL, PARIS, options=GREEDY, stream=True)]

    run(local_service, talk)
