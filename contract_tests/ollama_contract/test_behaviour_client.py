"""Ollama's own Python client, in both its forms, gets what it expects from every method."""

from __future__ import annotations

from typing import Any

import pytest

from ollama_contract.calling import Call
from ollama_contract.checking import demand, expect, not_applicable
from ollama_contract.exchange import Clients
from ollama_contract.requests import COUNT, WEATHER, asking
from ollama_contract.target import Target

QUESTION = "What is the weather in Paris? Use the tool."


def test_the_client_lists_and_shows_models(call: Call, target: Target) -> None:
    models = call("list").models
    expect(models and all(one.model for one in models), "models with names", models)
    shown = call("show", target.model)
    expect(shown.modelinfo, "model_info of a model", shown)
    expect(shown.details, "details of a model", shown)
    call("ps")


@pytest.mark.needs("completion")
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("method", ["chat", "generate"])
def test_the_client_gets_an_answer(method: str, stream: bool, call: Call, target: Target) -> None:
    body = asking(target, f"/api/{method}", COUNT, 8, stream=stream)
    answer = call(method, **body)
    parts = answer if stream else [answer]
    stated = [part.message.content if method == "chat" else part.response for part in parts]
    expect("".join(filter(None, stated)), "a text", parts[-1:])
    expect(parts[-1].done is True, "done at the end", parts[-1])
    expect(parts[-1].done_reason in ("stop", "length"), "a done_reason at the end", parts[-1])


@pytest.mark.needs("completion")
def test_the_client_loads_and_keeps_a_model(call: Call, target: Target) -> None:
    answer = call("generate", target.model, "", keep_alive="5m")
    expect(answer.done_reason == "load", "done_reason load without a prompt", answer)
    loaded = [one.model for one in call("ps").models]
    expect(loaded, "the loaded model in ps", loaded)


@pytest.mark.needs("embedding")
def test_the_client_gets_vectors(call: Call, target: Target) -> None:
    one, two = call("embed", target.embed_model, "a"), call("embed", target.embed_model, ["a", "b"])
    got = [len(answer.embeddings) for answer in (one, two)]
    expect(got == [1, 2], "one vector for each input", got)
    expect(call("embeddings", target.embed_model, "a").embedding, "a vector of the older route", "")


@pytest.mark.needs("tools")
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_tool_is_called_and_its_result_read(stream: bool, call: Call, target: Target) -> None:
    messages: list[Any] = [{"role": "user", "content": QUESTION}]
    options = {"temperature": 0, "seed": 7, "num_predict": 256}
    named: dict[str, Any] = {"model": target.model, "tools": [WEATHER], "options": options}
    answer = call("chat", messages=messages, stream=stream, **named)
    parts = answer if stream else [answer]
    calls = [one for part in parts for one in part.message.tool_calls or ()]
    text = "".join(part.message.content or "" for part in parts)
    thought = "".join(part.message.thinking or "" for part in parts)
    if not calls:
        silent = not text.strip() and not thought.strip() and (parts[-1].eval_count or 0) > 4
        demand(not silent, "the tool call that was generated", parts[-1])
        if stream:
            whole = call("chat", messages=messages, stream=False, **named)
            again = call("chat", messages=messages, stream=True, **named)
            lost = whole.message.tool_calls and not any(one.message.tool_calls for one in again)
            demand(not lost, "the tool call of the whole answer in a stream, too", again[-1])
        not_applicable(f"the model did not call the tool: {text[:200]!r}")
    for one in calls:
        expect(one.function.name == "get_weather", "the tool that was offered", one)
        expect(isinstance(one.function.arguments, dict), "arguments as an object", one)
    expect(parts[-1].done_reason == "stop", "done_reason stop after a tool call", parts[-1])
    history = [
        *messages,
        {"role": "assistant", "content": text, "tool_calls": [one.model_dump() for one in calls]},
    ]
    history += [
        {"role": "tool", "tool_name": "get_weather", "content": "11 degrees, rain"} for _ in calls
    ]
    after = call(
        "chat",
        messages=history,
        stream=False,
        **{**named, "options": {**options, "num_predict": 24}},
    )
    stated = after.message.content or after.message.thinking or after.message.tool_calls
    expect(stated, "an answer after the tool's result", after)


def test_a_tool_is_refused_where_a_model_cannot(target: Target, clients: Clients) -> None:
    if "tools" in target.abilities:
        not_applicable("the model can call tools")
    try:
        clients.sync.chat(target.model, [{"role": "user", "content": "Hi"}], tools=[WEATHER])
    except Exception as error:  # noqa: BLE001 - which it is, is what is looked at
        right = getattr(error, "status_code", None) == 400 and "does not support tools" in str(
            error
        )
        expect(right, "400 … does not support tools", error)
    else:
        not_applicable("the server leaves it to the model, although it does not claim tools")
