"""What is learned of a backend: refused parameters (faults.md row 77) and missing routes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import httpx2
import openai
import pytest

from ollama_facade.backend.client import Backend
from ollama_facade.backend.learned import (
    MAX_MODELS,
    MAX_REFUSALS,
    LearnedRefusals,
    LearnedRoutes,
    NoRouteError,
)
from ollama_facade.errors import BackendError
from ollama_facade.translate.deltas import each_delta
from ollama_facade.translate.dialect_table import dialect
from ollama_facade.translate.requests import BackendRequest
from tests.backend.conftest import Load
from tests.upstream import Asked, Step, Upstream, answer, done, event, finish, opened, say, usage

BASICS = {"model", "messages", "stream", "tools"}


def request(*, stream: bool = True, **more: Any) -> BackendRequest:
    body: dict[str, Any] = {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": stream,
        "seed": 1,
        "temperature": 0.5,
        "max_tokens": 10,
        "top_k": 5,
    }
    return BackendRequest("chat", {**body, **more})


def whole(received: Asked) -> list[Step]:
    if received.body["stream"]:
        return [say("Hello"), finish(), usage(1, 1), done()]
    choice = {"index": 0, "message": {"content": "Hello"}, "finish_reason": "stop"}
    return [answer(200, {"choices": [choice]})]


def one_by_one(*known: str) -> Any:
    """OpenAI's habit: the first unknown name in `param`."""

    def scenario(received: Asked) -> Sequence[Step]:
        for name in received.body:
            if name not in known:
                error = {
                    "message": f"Unknown parameter: '{name}'.",
                    "type": "invalid_request_error",
                    "param": name,
                    "code": "unknown_parameter",
                }
                return [answer(400, {"error": error})]
        return whole(received)

    return scenario


def all_at_once(*known: str) -> Any:
    """Mistral's habit: 422 and every unknown name in `loc`."""

    def scenario(received: Asked) -> Sequence[Step]:
        detail = [
            {"type": "extra_forbidden", "loc": ["body", name], "msg": "Extra inputs"}
            for name in received.body
            if name not in known
        ]
        return [answer(422, {"detail": detail})] if detail else whole(received)

    return scenario


Replies = list[tuple[str, BackendRequest]]
Ask = Callable[..., Replies]


@pytest.fixture
def ask(load: Load, upstream: Upstream) -> Ask:
    """Sends requests through one Backend; returns each text, and the request as it was sent."""

    async def send(backend: Backend, sent: BackendRequest) -> tuple[str, BackendRequest]:
        async with backend.open(sent) as response:
            if not sent.stream:
                return (await response.completion())[1].content, response.request
            deltas = [d async for batch in response.deltas() for d in each_delta(batch)]
            return "".join(delta.content for delta in deltas), response.request

    async def run(requests: Sequence[BackendRequest]) -> Replies:
        backend = Backend(load(OPENAI_BASE_URL=upstream.base_url))
        try:
            return [await send(backend, sent) for sent in requests]
        finally:
            await backend.close()

    return lambda *requests: asyncio.run(run(requests))


@pytest.mark.parametrize("stream", (True, False))
@pytest.mark.parametrize(("strict", "calls"), ((one_by_one, 6), (all_at_once, 3)))
def test_a_backend_that_refuses_every_unknown_key_works_and_is_remembered(
    upstream: Upstream, ask: Ask, strict: Any, calls: int, stream: bool
) -> None:
    upstream.script(strict(*BASICS))
    # Four names that were sent, and the other name of the limit.
    first, second = request(stream=stream), request(stream=stream)
    replies = ask(first, second)
    assert [text for text, _ in replies] == ["Hello", "Hello"]
    received = upstream.generations()
    assert len(received) == calls + 1
    assert set(received[-1].body) == BASICS - {"tools"}
    for _, sent in replies:
        assert set(sent.dropped) == {"seed", "temperature", "num_predict", "top_k"}
    assert first.dropped == second.dropped == ()


def test_a_generous_backend_is_asked_once_and_gets_everything(upstream: Upstream, ask: Ask) -> None:
    upstream.script(whole)
    sent = request()
    [(text, sent)] = ask(sent)
    assert text == "Hello"
    assert upstream.generations()[0].body["top_k"] == 5
    assert sent.dropped == ()


def test_usage_that_a_backend_will_not_be_asked_for_is_not_asked_for(
    upstream: Upstream, ask: Ask
) -> None:
    known = set(request().body)
    upstream.script(one_by_one(*known))
    sent = request(stream_options={"include_usage": True})
    [(text, sent)] = ask(sent)
    assert text == "Hello"
    assert "stream_options" not in upstream.generations()[-1].body
    assert sent.dropped == ("stream_options",)


def test_a_limit_under_the_wrong_name_is_sent_under_the_right_one(
    upstream: Upstream, ask: Ask
) -> None:
    message = "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
    error = {"message": message + "'max_completion_tokens' instead.", "param": "max_tokens"}
    refusal = [answer(400, {"error": {**error, "code": "unsupported_parameter"}})]
    upstream.script(lambda received: refusal if "max_tokens" in received.body else whole(received))
    sent = request()
    [(text, sent)] = ask(sent)
    assert text == "Hello"
    assert upstream.generations()[-1].body["max_completion_tokens"] == 10
    assert sent.dropped == ()


@pytest.mark.parametrize(
    "refusal",
    (
        [answer(400, {"error": {"message": "Unsupported parameter: 'tools'"}})],
        [answer(400, {"error": {"message": "context length exceeded", "param": "messages"}})],
        [answer(500, {"error": {"message": "Unknown parameter: 'seed'."}})],
        [answer(429, {"error": {"message": "Unknown parameter: 'seed'."}})],
    ),
)
def test_nothing_else_is_asked_twice(upstream: Upstream, ask: Ask, refusal: list[Step]) -> None:
    upstream.script(refusal)
    with pytest.raises(BackendError):
        ask(request(tools=[{"type": "function", "function": {"name": "f"}}]))
    assert len(upstream.generations()) == 1


@pytest.mark.parametrize("before", ([opened()], [say("a")]))
def test_a_refusal_in_a_stream_that_began_is_not_asked_again(
    upstream: Upstream, ask: Ask, before: list[Step]
) -> None:
    error = {"message": "Unknown parameter: 'seed'.", "code": 400}
    upstream.script([*before, event({"error": error})])
    with pytest.raises(BackendError, match="seed"):
        ask(request())
    assert len(upstream.generations()) == 1


def test_a_backend_that_refuses_what_is_not_there_is_not_asked_for_ever(
    upstream: Upstream,
    ask: Ask,
) -> None:
    error = {"message": "", "param": "seed", "code": "unknown_parameter"}
    upstream.script([answer(400, {"error": error})])
    with pytest.raises(BackendError):
        ask(request())
    assert len(upstream.generations()) == 2


def test_what_one_model_refuses_another_is_still_asked(upstream: Upstream, ask: Ask) -> None:
    upstream.script(
        lambda received: (one_by_one(*BASICS) if received.body["model"] == "m" else whole)(received)
    )
    ask(request(), request(model="n"))
    assert upstream.generations()[-1].body["seed"] == 1


def test_refusals_are_bounded() -> None:
    learned = LearnedRefusals()
    body = {"param": "reasoning_effort", "code": "unsupported_value"}
    for number in range(MAX_MODELS + 10):
        assert learned.learn(request(model=f"m{number}", reasoning_effort="low"), 400, body)
    assert len(learned) == MAX_MODELS
    for number in range(MAX_REFUSALS * 3):
        assert learned.learn(request(reasoning_effort=f"level {number}"), 400, body)
    assert max(map(len, learned._refused.values())) <= MAX_REFUSALS


VLLM, DEFAULT = dialect("vllm"), dialect("default")


def refusal(status: int = 404, text: str = "Not Found") -> openai.APIStatusError:
    sent = httpx2.Request("POST", "http://backend/v1/x")
    response = httpx2.Response(status, request=sent)
    return openai.APIStatusError(text, response=response, body={"detail": text})


def relayed(endpoint: str = "messages", model: str = "m") -> BackendRequest:
    return BackendRequest(endpoint, {"model": model})  # type: ignore[arg-type]


def test_the_table_says_what_a_backend_has() -> None:
    routes = LearnedRoutes()
    assert routes.has(VLLM, "messages", "m")
    assert routes.has(VLLM, "responses", "m")
    assert not routes.has(DEFAULT, "messages", "m")
    assert routes.has(dialect("openai"), "responses", "m")
    assert not routes.has(dialect("openai"), "messages", "m")


def test_a_route_that_was_missing_is_not_asked_again_for_this_model() -> None:
    routes = LearnedRoutes()
    with pytest.raises(NoRouteError):
        routes.learn(relayed(), refusal())
    assert not routes.has(VLLM, "messages", "m")
    assert routes.has(VLLM, "messages", "other")
    assert routes.has(VLLM, "responses", "m")


@pytest.mark.parametrize(
    ("sent", "error"),
    (
        (relayed("chat"), refusal()),
        (relayed(), refusal(404, "model 'm' not found")),
        (relayed(), refusal(400)),
    ),
)
def test_no_route_is_learned_of_another_error(
    sent: BackendRequest, error: openai.APIStatusError
) -> None:
    routes = LearnedRoutes()
    routes.learn(sent, error)
    assert len(routes) == 0
    assert routes.has(VLLM, "messages", "m")


def test_routes_are_bounded_and_what_is_used_stays() -> None:
    routes = LearnedRoutes()
    for number in range(MAX_MODELS + 1):
        with pytest.raises(NoRouteError):
            routes.learn(relayed(model=f"m{number}"), refusal())
        routes.has(VLLM, "messages", "m0")
    assert len(routes) == MAX_MODELS
    assert not routes.has(VLLM, "messages", "m0")
    assert routes.has(VLLM, "messages", "m1")
