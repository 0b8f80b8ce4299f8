"""A backend that refuses every key it does not know, and one that takes all: nothing is set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import ollama
import pytest

from tests.service import Service
from tests.upstream import Asked, Step, Upstream, answer, embedding
from tests.upstream.turns import spoken

KNOWN = {
    "model",
    "messages",
    "prompt",
    "input",
    "stream",
    "tools",
    "max_completion_tokens",
    "encoding_format",
}
HI = [{"role": "user", "content": "Hi"}]
OPTIONS = {"seed": 1, "temperature": 0.5, "top_k": 5, "num_predict": 20, "stop": ["x"]}


def strict(requested: Asked) -> Sequence[Step]:
    """As OpenAI writes it: one name at a time."""
    unknown = [name for name in requested.body if name not in KNOWN]
    if unknown:
        error = {
            "message": f"Unrecognized request argument supplied: {unknown[0]}",
            "type": "invalid_request_error",
            "param": None,
            "code": None,
        }
        return [answer(400, {"error": error})]
    return generous(requested)


def generous(requested: Asked) -> Sequence[Step]:
    if "input" in requested.body:
        data = [{"index": 0, "embedding": embedding("a")}]
        return [answer(200, {"object": "list", "data": data})]
    scenario = spoken({})
    return scenario(requested) if callable(scenario) else scenario


@pytest.fixture(params=(strict, generous), ids=("strict", "generous"))
def served(request: pytest.FixtureRequest) -> Iterator[tuple[Service, Upstream, bool]]:
    with Upstream() as upstream:
        upstream.script(request.param)
        with Service({"OPENAI_BASE_URL": upstream.base_url}) as service:
            yield service, upstream, request.param is strict


def test_both_work_and_the_header_says_what_was_left_out(
    served: tuple[Service, Upstream, bool],
) -> None:
    service, upstream, is_strict = served
    for stream in (True, False, True):
        body = {"model": "native", "messages": HI, "stream": stream, "options": OPTIONS}
        answered = service.ask("POST", "/api/chat", {**body, "format": "json", "think": True})
        assert answered.status == 200
        assert answered.lines()[-1]["done"] is True
        dropped = set((answered.header("Facade-Dropped") or "").split(", "))
        lost = {"seed", "temperature", "stop", "format"}
        assert lost <= dropped if is_strict else not lost & dropped
    last: dict[str, Any] = upstream.generations()[-1].body
    if is_strict:
        assert last["max_completion_tokens"] == 20
        assert set(last) <= KNOWN
    else:
        assert last["max_tokens"] == 20
        assert len(upstream.generations()) == 3
    vectors = service.ask("POST", "/api/embed", {"model": "emb", "input": "a"})
    assert vectors.status == 200


def test_the_official_client_notices_nothing(served: tuple[Service, Upstream, bool]) -> None:
    service, _, _ = served
    client = ollama.Client(service.url)
    for _ in range(2):
        assert client.chat("native", HI, options=OPTIONS).message.content == "Hello there!"
        assert client.generate("native", "Hi", options=OPTIONS).response == "Hello there!"
    client._client.close()


@pytest.mark.parametrize("stream", (True, False))
def test_what_was_left_out_is_named_also_where_the_backend_then_fails(
    upstream: Upstream, stream: bool
) -> None:
    refusal = [answer(400, {"error": {"message": "Unknown parameter: 'seed'."}})]
    failure = [answer(503, {"error": {"message": "overloaded"}})]
    upstream.script(lambda requested: refusal if "seed" in requested.body else failure)
    with Service({"OPENAI_BASE_URL": upstream.base_url}) as service:
        body = {"model": "native", "messages": HI, "stream": stream, "options": {"seed": 1}}
        answered = service.ask("POST", "/api/chat", body)
    assert answered.status == 503
    assert answered.header("Facade-Dropped") == "seed"
