"""`ollama-facade check --backend`: what is wrong with a backend, and what one can do."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ollama_facade.cli.doctor import Examination, examine
from ollama_facade.config.settings import Settings
from tests.service import free_port
from tests.upstream import Upstream, answer


def examined(base_url: str, model: str = "", **settings: Any) -> Examination:
    asked = Settings.model_validate({"OPENAI_BASE_URL": base_url, **settings})
    return asyncio.run(examine(asked, model))


def test_a_host_where_nothing_listens_is_named_with_what_to_look_at() -> None:
    found = examined(f"http://127.0.0.1:{free_port()}/v1")
    assert not found.well
    assert "backend unreachable" in found.lines[0]
    assert "in a container" in found.lines[-1]


def test_an_address_without_its_end_is_corrected(upstream: Upstream) -> None:
    found = examined(upstream.base_url.removesuffix("/v1"))
    assert not found.well
    assert found.lines[-1].endswith(f"set OPENAI_BASE_URL={upstream.base_url}")


@pytest.mark.parametrize(("key", "advice"), [("", "it wants a key"), ("wrong", "is refused")])
def test_a_key_that_is_missing_or_wrong_is_told_apart(
    upstream: Upstream, key: str, advice: str
) -> None:
    refusal = {"error": {"message": "Incorrect API key provided: wrong", "code": "invalid_api_key"}}
    upstream.script([answer(401, refusal)], path="/v1/models")
    found = examined(upstream.base_url, OPENAI_API_KEY=key)
    assert not found.well
    assert advice in found.lines[-1]
    assert "wrong" not in "".join(found.lines)


def test_a_page_is_no_backend(upstream: Upstream) -> None:
    upstream.script([answer(200, {"hello": "world"})], path="/v1/models")
    found = examined(upstream.base_url)
    assert not found.well
    assert "no OpenAI-compatible server" in found.lines[-1]


def test_a_backend_without_models_is_told(upstream: Upstream) -> None:
    upstream.script([answer(200, {"object": "list", "data": []})], path="/v1/models")
    found = examined(upstream.base_url)
    assert not found.well
    assert "lists no models" in found.lines[-1]


def test_a_dialect_that_the_list_of_models_belies_is_told(upstream: Upstream) -> None:
    entry = {"id": "llama", "object": "model", "owned_by": "vllm"}
    upstream.script([answer(200, {"object": "list", "data": [entry]})], path="/v1/models")
    found = examined(upstream.base_url, FACADE_DIALECT="llamacpp")
    assert "FACADE_DIALECT is llamacpp, but the list of models is that of vllm" in found.lines[1]


def test_a_model_that_is_not_there_is_told_with_those_that_are(upstream: Upstream) -> None:
    found = examined(upstream.base_url, "nobody")
    assert not found.well
    assert "it has no model 'nobody'; it has " in found.lines[-1]


def test_each_ability_is_asked_and_what_was_seen_is_told(upstream: Upstream) -> None:
    found = examined(upstream.base_url)
    seen = {one.name: one for one in found.probes}
    assert found.well
    assert seen["chat"].answer
    assert seen["streams"].answer
    assert (seen["tools"].answer, seen["tools"].note) == (
        False,
        "takes tools; the model called none",
    )
    assert (seen["schema"].answer, seen["schema"].note) == (False, "the answer is no JSON")
    assert not seen["embeddings"].answer
    assert "does not support embeddings" in seen["embeddings"].note
    paths = [asked.path for asked in upstream.generations()]
    assert "/v1/completions" in paths
    assert "/v1/embeddings" in paths


def test_a_parameter_that_is_refused_is_no_ability(upstream: Upstream) -> None:
    error = {
        "message": "Unknown parameter: 'tools'.",
        "param": "tools",
        "code": "unknown_parameter",
    }
    chats = [
        [answer(200, {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]})],
        [answer(200, {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]})],
        [answer(400, {"error": error})],
        [answer(200, {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]})],
    ]
    upstream.script(*chats, path="/v1/chat/completions")
    seen = {one.name: one for one in examined(upstream.base_url).probes}
    assert (seen["streams"].answer, seen["streams"].note) == (False, "the answer comes whole")
    assert (seen["tools"].answer, seen["tools"].note) == (False, "Unknown parameter: 'tools'.")
