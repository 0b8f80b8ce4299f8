"""A strict backend and a generous one, of which nothing was told (faults.md P4, row 77)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from ollama_facade.backend.client import Backend
from ollama_facade.backend.refusals import MODELS, REFUSALS, LearnedRefusals
from ollama_facade.config import settings
from ollama_facade.errors import BackendError
from ollama_facade.translate.deltas import each_delta
from ollama_facade.translate.requests import BackendRequest
from tests.upstream import Asked, Step, Upstream, answer, done, event, finish, opened, say, usage

BASICS = {"model", "messages", "stream", "tools"}


def request(*, stream: bool = True, **more: Any) -> BackendRequest:
    arguments: dict[str, Any] = {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": stream,
        "seed": 1,
        "temperature": 0.5,
        "max_tokens": 10,
    }
    return BackendRequest("chat", {**arguments, **more}, {"top_k": 5})


def whole(asked: Asked) -> list[Step]:
    if asked.body["stream"]:
        return [say("Hello"), finish(), usage(1, 1), done()]
    choice = {"index": 0, "message": {"content": "Hello"}, "finish_reason": "stop"}
    return [answer(200, {"choices": [choice]})]


def one_by_one(*known: str) -> Any:
    """OpenAI's habit: the first unknown name in `param`."""

    def scenario(asked: Asked) -> Sequence[Step]:
        for name in asked.body:
            if name not in known:
                error = {
                    "message": f"Unknown parameter: '{name}'.",
                    "type": "invalid_request_error",
                    "param": name,
                    "code": "unknown_parameter",
                }
                return [answer(400, {"error": error})]
        return whole(asked)

    return scenario


def all_at_once(*known: str) -> Any:
    """Mistral's habit: 422 and every unknown name in `loc`."""

    def scenario(asked: Asked) -> Sequence[Step]:
        detail = [
            {"type": "extra_forbidden", "loc": ["body", name], "msg": "Extra inputs"}
            for name in asked.body
            if name not in known
        ]
        return [answer(422, {"detail": detail})] if detail else whole(asked)

    return scenario


async def text_of(backend: Backend, asked: BackendRequest) -> str:
    if not asked.arguments["stream"]:
        return (await backend.complete(asked)).content
    return "".join([d.content async for batch in backend.stream(asked) for d in each_delta(batch)])


def ask(upstream: Upstream, *requests: BackendRequest) -> list[str]:
    """The answers to the requests, one after the other, by one Backend."""

    async def run() -> list[str]:
        backend = Backend(settings.load({"OPENAI_BASE_URL": upstream.base_url}))
        try:
            return [await text_of(backend, asked) for asked in requests]
        finally:
            await backend.close()

    return asyncio.run(run())


@pytest.mark.parametrize("stream", (True, False))
@pytest.mark.parametrize(("strict", "calls"), ((one_by_one, 6), (all_at_once, 3)))
def test_a_backend_that_refuses_every_unknown_key_works_and_is_remembered(
    upstream: Upstream, strict: Any, calls: int, stream: bool
) -> None:
    upstream.script(strict(*BASICS))
    # Four names that were sent, and the other name of the limit.
    first, second = request(stream=stream), request(stream=stream)
    assert ask(upstream, first, second) == ["Hello", "Hello"]
    asked = upstream.generations()
    assert len(asked) == calls + 1
    assert set(asked[-1].body) == BASICS - {"tools"}
    assert (
        set(first.dropped) == set(second.dropped) == {"seed", "temperature", "num_predict", "top_k"}
    )


def test_a_generous_backend_is_asked_once_and_gets_everything(upstream: Upstream) -> None:
    upstream.script(whole)
    sent = request()
    assert ask(upstream, sent) == ["Hello"]
    assert upstream.generations()[0].body["top_k"] == 5
    assert sent.dropped == []


def test_usage_that_a_backend_will_not_be_asked_for_is_not_asked_for(upstream: Upstream) -> None:
    known = {*request().arguments, "top_k"}
    upstream.script(one_by_one(*known))
    sent = request(stream_options={"include_usage": True})
    assert ask(upstream, sent) == ["Hello"]
    assert "stream_options" not in upstream.generations()[-1].body
    assert sent.dropped == ["stream_options"]


def test_a_limit_under_the_wrong_name_is_sent_under_the_right_one(upstream: Upstream) -> None:
    message = "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
    error = {"message": message + "'max_completion_tokens' instead.", "param": "max_tokens"}
    refusal = [answer(400, {"error": {**error, "code": "unsupported_parameter"}})]
    upstream.script(lambda asked: refusal if "max_tokens" in asked.body else whole(asked))
    sent = request()
    assert ask(upstream, sent) == ["Hello"]
    assert upstream.generations()[-1].body["max_completion_tokens"] == 10
    assert sent.dropped == []


@pytest.mark.parametrize(
    "refusal",
    (
        [answer(400, {"error": {"message": "Unsupported parameter: 'tools'"}})],
        [answer(400, {"error": {"message": "context length exceeded", "param": "messages"}})],
        [answer(500, {"error": {"message": "Unknown parameter: 'seed'."}})],
        [answer(429, {"error": {"message": "Unknown parameter: 'seed'."}})],
    ),
)
def test_nothing_else_is_asked_twice(upstream: Upstream, refusal: list[Step]) -> None:
    upstream.script(refusal)
    with pytest.raises(BackendError):
        ask(upstream, request(tools=[{"type": "function", "function": {"name": "f"}}]))
    assert len(upstream.generations()) == 1


@pytest.mark.parametrize("before", ([opened()], [say("a")]))
def test_a_refusal_in_a_stream_that_began_is_not_asked_again(
    upstream: Upstream, before: list[Step]
) -> None:
    error = {"message": "Unknown parameter: 'seed'.", "code": 400}
    upstream.script([*before, event({"error": error})])
    with pytest.raises(BackendError, match="seed"):
        ask(upstream, request())
    assert len(upstream.generations()) == 1


def test_a_backend_that_refuses_what_is_not_there_is_not_asked_for_ever(
    upstream: Upstream,
) -> None:
    error = {"message": "", "param": "seed", "code": "unknown_parameter"}
    upstream.script([answer(400, {"error": error})])
    with pytest.raises(BackendError):
        ask(upstream, request())
    assert len(upstream.generations()) == 2


def test_what_one_model_refuses_another_is_still_asked(upstream: Upstream) -> None:
    upstream.script(
        lambda asked: (one_by_one(*BASICS) if asked.body["model"] == "m" else whole)(asked)
    )
    ask(upstream, request(), request(model="n"))
    assert upstream.generations()[-1].body["seed"] == 1


def test_what_is_remembered_is_bounded() -> None:
    habits = LearnedRefusals()
    body = {"param": "reasoning_effort", "code": "unsupported_value"}
    for number in range(MODELS + 10):
        assert habits.learn(request(model=f"m{number}", reasoning_effort="low"), 400, body)
    assert len(habits) == MODELS
    for number in range(REFUSALS * 3):
        assert habits.learn(request(reasoning_effort=f"level {number}"), 400, body)
    assert max(map(len, habits._refused.values())) <= REFUSALS
