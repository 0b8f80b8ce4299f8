"""The routes of OpenAI's and Anthropic's clients; what holds for every answer is seen elsewhere."""

from __future__ import annotations

from typing import Any

import pytest

from ollama_contract.checking import expect, not_applicable
from ollama_contract.exchange import Answer, Asker
from ollama_contract.target import Target

HI = [{"role": "user", "content": "Hi"}]
BODIES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": HI, "max_tokens": 8},
    "/v1/completions": {"prompt": "Once upon a time", "max_tokens": 8},
    "/v1/responses": {"input": "Hi", "max_output_tokens": 16},
    "/v1/messages": {"messages": HI, "max_tokens": 8},
}
NOBODY = "no-such-model-anywhere"


def requested(ask: Asker, path: str, **body: Any) -> Answer:
    """The answer; whoever lacks the route is a server all the same."""
    answer = ask("POST", path, {**BODIES.get(path, {}), **body})
    if answer.absent:
        not_applicable(f"the server has no {path}")
    return answer


@pytest.mark.parametrize("path", BODIES)
def test_an_answer_of_another_dialect_comes_whole(path: str, target: Target, ask: Asker) -> None:
    answer = requested(ask, path, model=target.model)
    expect(answer.status == 200, "200 for a plain question", answer.status)
    stated = answer.json()
    expect(isinstance(stated.get("usage"), dict), "usage in a whole answer", str(stated)[:300])


@pytest.mark.parametrize("path", BODIES)
def test_an_answer_of_another_dialect_comes_as_events(
    path: str, target: Target, ask: Asker
) -> None:
    answer = requested(ask, path, model=target.model, stream=True)
    expect(answer.status == 200, "200 for a plain question", answer.status)
    kind = str(answer.headers.get("content-type"))
    expect(kind.startswith("text/event-stream"), "events where a stream is asked for", kind)


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("stream", (False, True), ids=("whole", "stream"))
def test_another_dialect_names_a_model_that_is_not_there(
    path: str, stream: bool, ask: Asker
) -> None:
    answer = requested(ask, path, model=NOBODY, stream=stream)
    expect(answer.status == 404, "404 for a model that is not there", answer.status)
    error = answer.json().get("error")
    reported = isinstance(error, dict) and isinstance(error.get("message"), str)
    expect(reported, "an error that is an object with a message", answer.body.decode()[:300])


def test_vectors_of_another_dialect_are_in_the_order_of_the_texts(
    target: Target, ask: Asker
) -> None:
    if reason := target.lacks("embedding"):
        not_applicable(reason)
    model = target.embed_model or target.model
    answer = requested(ask, "/v1/embeddings", model=model, input=["one", "two", "three"])
    expect(answer.status == 200, "200 for three texts", answer.status)
    expect(len(answer.json()["data"]) == 3, "one vector for each text", answer.body[:300])
