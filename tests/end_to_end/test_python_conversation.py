"""The official Python client over a scripted backend: a conversation, and every management call.

The scripted backend is strict where OpenAI's is: what it was asked is checked, not only the answer.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import ollama
import pytest

from tests.golden.preparation import lay_out
from tests.service import Service
from tests.upstream import Upstream

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture(scope="module")
def backend() -> Iterator[Upstream]:
    with Upstream() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def service(backend: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    models = lay_out(tmp_path_factory.mktemp("models"))
    settings = {"OPENAI_BASE_URL": backend.base_url, "OLLAMA_MODELS": str(models)}
    with Service(settings) as started:
        yield started


@pytest.fixture
def client(service: Service) -> Iterator[ollama.Client]:
    made = ollama.Client(service.url)
    yield made
    made._client.close()


def weather(city: str) -> str:
    """Weather of a city.

    Args:
      city: The city
    """
    return f"rain in {city}"


def requested(backend: Upstream) -> dict[str, Any]:
    return dict(backend.generations()[-1].body)


def test_two_calls_of_one_tool_find_their_results_although_the_client_drops_ids(
    client: ollama.Client, backend: Upstream
) -> None:
    calls = [
        {"id": "call_a", "name": "weather", "arguments": {"city": "Paris"}},
        {"id": "call_b", "name": "weather", "arguments": {"city": "Rome"}},
    ]
    backend.turns([{"chunks": [{"tool_calls": calls}]}, {"chunks": ["Rain", " in both."]}])
    history: list[Any] = [{"role": "user", "content": "Weather in Paris and Rome?"}]
    first = client.chat("native-tools", history, tools=[weather])
    assert [call.function.arguments["city"] for call in first.message.tool_calls or ()] == [
        "Paris",
        "Rome",
    ]
    history.append(first.message)
    for call in first.message.tool_calls or ():
        result = weather(**call.function.arguments)
        history.append({"role": "tool", "tool_name": "weather", "content": result})
    second = client.chat("native-tools", history, tools=[weather])
    assert second.message.content == "Rain in both."
    sent = requested(backend)["messages"]
    announced = [call["id"] for call in sent[1]["tool_calls"]]
    assert len(set(announced)) == 2
    assert [(one["tool_call_id"], one["content"]) for one in sent[2:]] == [
        (announced[0], "rain in Paris"),
        (announced[1], "rain in Rome"),
    ]


def test_an_image_a_schema_and_logprobs_reach_the_backend_and_come_back(
    client: ollama.Client, backend: Upstream
) -> None:
    backend.turns([{"chunks": ['{"colour":', ' "red"}']}])
    schema = {"type": "object", "properties": {"colour": {"type": "string"}}}
    messages = [{"role": "user", "content": "Colour?", "images": [PNG]}]
    answer = client.chat("vision", messages, format=schema, logprobs=True, top_logprobs=2)
    assert answer.message.content == '{"colour": "red"}'
    assert answer.logprobs is not None
    assert answer.logprobs[0].token == '{"colour":'
    sent = requested(backend)
    text, image = sent["messages"][0]["content"]
    assert text == {"type": "text", "text": "Colour?"}
    assert image["image_url"]["url"].startswith("data:image/png;base64,")
    assert sent["response_format"]["json_schema"]["schema"] == schema
    assert (sent["logprobs"], sent["top_logprobs"]) == (True, 2)


@pytest.mark.parametrize(
    "chunks",
    (
        [{"reasoning_content": "Hm"}, {"reasoning_content": "."}, "Hello"],
        ["<thi", "nk>H", "m.</th", "ink>\n\nHel", "lo"],
    ),
)
def test_thoughts_come_apart_however_the_backend_sends_them(
    client: ollama.Client, backend: Upstream, chunks: list[Any]
) -> None:
    backend.turns([{"chunks": chunks}])
    frames = list(client.chat("native-think", [{"role": "user", "content": "Hi"}], stream=True))
    assert "".join(frame.message.thinking or "" for frame in frames) == "Hm."
    assert "".join(frame.message.content or "" for frame in frames) == "Hello"
    quiet = client.chat("native-think", [{"role": "user", "content": "Hi"}], think=False)
    assert not quiet.message.thinking


def test_the_context_of_generate_carries_the_conversation(
    client: ollama.Client, backend: Upstream
) -> None:
    backend.turns([{"chunks": ["Noted."]}, {"chunks": ["Ada."]}])
    first = client.generate("native", "My name is Ada.")
    client.generate("native", "What is my name?", context=first.context)
    assert [message["content"] for message in requested(backend)["messages"]] == [
        "My name is Ada.",
        "Noted.",
        "What is my name?",
    ]


def test_raw_and_suffix_go_to_text_completions(client: ollama.Client, backend: Upstream) -> None:
    backend.turns([{"chunks": ["x"]}])
    client.generate("native", "[INST] Hi", raw=True)
    assert backend.generations()[-1].path == "/v1/completions"
    assert requested(backend)["prompt"] == "[INST] Hi"
    client.generate("insert", "def f(", suffix="return 1")
    assert (requested(backend)["prompt"], requested(backend)["suffix"]) == ("def f(", "return 1")


def test_a_model_is_created_from_another_and_chats_with_its_preset(
    client: ollama.Client, backend: Upstream
) -> None:
    backend.turns([{"chunks": ["Arr."]}])
    made = client.create(
        "pirate",
        from_="native",
        system="You are a pirate.",
        parameters={"temperature": 0.25, "stop": ["END"]},
    )
    assert made.status == "success"
    client.chat("pirate", [{"role": "user", "content": "Hi"}], options={"seed": 7})
    sent = requested(backend)
    assert sent["model"] == "native"
    assert sent["messages"][0] == {"role": "system", "content": "You are a pirate."}
    assert (sent["temperature"], sent["stop"], sent["seed"]) == (0.25, ["END"], 7)
    assert client.show("pirate").parameters is not None
    assert client.copy("pirate", "buccaneer").status == "success"
    names = {model.model for model in client.list().models}
    assert {"pirate:latest", "buccaneer:latest"} <= names
    assert client.delete("pirate").status == "success"
    assert client.delete("buccaneer").status == "success"
    with pytest.raises(ollama.ResponseError, match="not found"):
        client.show("pirate")


def test_pull_succeeds_for_what_is_served_and_for_nothing_else(client: ollama.Client) -> None:
    frames = [frame.status for frame in client.pull("native", stream=True)]
    assert (frames[0], frames[-1]) == ("pulling manifest", "success")
    assert client.pull("native").status == "success"
    with pytest.raises(ollama.ResponseError, match="file does not exist"):
        client.pull("nothing")
    with pytest.raises(ollama.ResponseError, match="push is not supported"):
        client.push("native")


def test_ps_lists_what_was_used_until_it_is_unloaded(
    client: ollama.Client, backend: Upstream
) -> None:
    backend.turns([{}])
    client.chat("native", [{"role": "user", "content": "Hi"}], keep_alive="10m")
    assert "native:latest" in {model.model for model in client.ps().models}
    client.generate("native", keep_alive=0)
    assert "native:latest" not in {model.model for model in client.ps().models}
