"""`ollama-facade check --backend`: what is wrong with a backend, and what one can do."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ollama_facade.cli.backend_check import Examination, examine
from ollama_facade.config.settings import Settings
from tests.service import free_port
from tests.upstream import Upstream, answer


def examined(base_url: str, model: str = "", **settings: Any) -> Examination:
    loaded = Settings.model_validate({"OPENAI_BASE_URL": base_url, **settings})
    return asyncio.run(examine(loaded, model))


def test_a_host_where_nothing_listens_is_named_with_what_to_look_at() -> None:
    result = examined(f"http://127.0.0.1:{free_port()}/v1")
    assert not result.well
    assert "backend unreachable" in result.lines[0]
    assert "in a container" in result.lines[-1]


def test_an_address_without_its_end_is_corrected(upstream: Upstream) -> None:
    result = examined(upstream.base_url.removesuffix("/v1"))
    assert not result.well
    assert result.lines[-1].endswith(f"set OPENAI_BASE_URL={upstream.base_url}")


@pytest.mark.parametrize(("key", "advice"), [("", "it wants a key"), ("wrong", "is refused")])
def test_a_key_that_is_missing_or_wrong_gets_its_own_advice(
    upstream: Upstream, key: str, advice: str
) -> None:
    refusal = {"error": {"message": "Incorrect API key provided: wrong", "code": "invalid_api_key"}}
    upstream.script([answer(401, refusal)], path="/v1/models")
    result = examined(upstream.base_url, OPENAI_API_KEY=key)
    assert not result.well
    assert advice in result.lines[-1]
    assert "wrong" not in "".join(result.lines)


def test_a_page_is_no_backend(upstream: Upstream) -> None:
    upstream.script([answer(200, {"hello": "world"})], path="/v1/models")
    result = examined(upstream.base_url)
    assert not result.well
    assert "no OpenAI-compatible server" in result.lines[-1]


def test_a_backend_without_models_is_reported(upstream: Upstream) -> None:
    upstream.script([answer(200, {"object": "list", "data": []})], path="/v1/models")
    result = examined(upstream.base_url)
    assert not result.well
    assert "lists no models" in result.lines[-1]


def test_a_dialect_that_contradicts_the_list_of_models_is_reported(upstream: Upstream) -> None:
    entry = {"id": "llama", "object": "model", "owned_by": "vllm"}
    upstream.script([answer(200, {"object": "list", "data": [entry]})], path="/v1/models")
    result = examined(upstream.base_url, FACADE_DIALECT="llamacpp")
    assert "FACADE_DIALECT is llamacpp, but the list of models is that of vllm" in result.lines[1]


def test_a_missing_model_is_reported_with_those_that_exist(upstream: Upstream) -> None:
    result = examined(upstream.base_url, "nobody")
    assert not result.well
    assert "it has no model 'nobody'; it has " in result.lines[-1]


def test_each_ability_is_probed_and_reported(upstream: Upstream) -> None:
    result = examined(upstream.base_url)
    probes = {probe.name: probe for probe in result.probes}
    assert result.well
    assert probes["chat"].answer
    assert probes["streams"].answer
    assert (probes["tools"].answer, probes["tools"].note) == (
        False,
        "takes tools; the model called none",
    )
    assert (probes["schema"].answer, probes["schema"].note) == (False, "the answer is no JSON")
    assert not probes["embeddings"].answer
    assert "does not support embeddings" in probes["embeddings"].note
    paths = [request.path for request in upstream.generations()]
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
    probes = {probe.name: probe for probe in examined(upstream.base_url).probes}
    assert (probes["streams"].answer, probes["streams"].note) == (False, "the answer comes whole")
    assert (probes["tools"].answer, probes["tools"].note) == (False, "Unknown parameter: 'tools'.")
