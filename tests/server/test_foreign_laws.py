"""Whatever a body of `/v1` holds, it is a request to the backend or an error that tells the client.

The bodies are made from the contract: its keys, its words, and now and then anything at all.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ollama_facade import contract
from ollama_facade.errors import OllamaError
from ollama_facade.golang.encode import dumps
from ollama_facade.translate.apis import anthropic_parser, responses_parser
from ollama_facade.translate.apis.anthropic_renderer import MessagesRenderer
from ollama_facade.translate.apis.openai_checks import (
    check_messages,
    check_stop_texts,
    embedding_inputs,
    read_effort,
)
from ollama_facade.translate.apis.openai_parser import chat_completion_request, completion_request
from ollama_facade.translate.apis.responses_renderer import ResponsesRenderer
from ollama_facade.translate.deltas import Completion, OutputDelta
from ollama_facade.translate.dialect_table import dialect
from ollama_facade.translate.models import Model
from ollama_facade.translate.requests import chat_request
from ollama_facade.translate.tools import search_tools

with warnings.catch_warnings():
    # Connexion imports names that jsonschema has deprecated.
    warnings.filterwarnings("ignore", r"jsonschema\.", DeprecationWarning)
    from ollama_facade.contract.decoder import decoder

MODEL = Model("m:latest", "m", digest="", modified_at=0)
DIALECT = dialect("default")

ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "a", "{}", "[", "low"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["type", "text", "content", "a"]), inner, max_size=2)
    ),
    max_leaves=4,
)
WORDS = st.sampled_from(
    [
        "", "a", "user", "assistant", "text", "image", "tool_use", "tool_result", "thinking",
        "base64", "AAAA", "!", "{}", "[", "function", "namespace", "json_schema", "high", "none",
        "data:image/png;base64,AAAA", "http://x", "enabled", "web_search", "image_url",
    ]
)  # fmt: skip


def made_from(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    definitions = schema.get("definitions", {})
    known: dict[str, st.SearchStrategy[Any]] = {}

    def value(node: Mapping[str, Any]) -> st.SearchStrategy[Any]:
        if "$ref" in node:
            name = node["$ref"].rpartition("/")[2]
            if name not in known:
                known[name] = st.deferred(lambda: plain(definitions[name]))
            return known[name]
        return plain(node)

    def plain(node: Mapping[str, Any]) -> st.SearchStrategy[Any]:
        return st.integers(0, 40).flatmap(lambda odd: ANY if odd == 0 else _fitting(node, value))

    return _fitting(schema, value)


def _fitting(node: Mapping[str, Any], value: Any) -> st.SearchStrategy[Any]:
    if "enum" in node:
        return st.sampled_from(node["enum"])
    if "anyOf" in node:
        return st.one_of([value(choice) for choice in node["anyOf"]])
    types = node.get("type", ())
    kind = types if isinstance(types, str) else next(iter(types), "any")
    if kind == "object":
        fields = {key: value(child) for key, child in node.get("properties", {}).items()}
        needed = {key: fields.pop(key) for key in node.get("required", ())}
        return st.fixed_dictionaries(needed, optional=fields)
    if kind == "array":
        return st.lists(value(node["items"]), max_size=3)
    scalars = {
        "string": WORDS,
        "boolean": st.booleans(),
        "integer": st.integers(-2, 9),
        "number": st.floats(0, 2),
        "null": st.none(),
    }
    return scalars.get(kind, ANY)


def of_messages(body: dict[str, Any]) -> None:
    chat = anthropic_parser.chat_body(body)
    chat_request(chat, MODEL, DIALECT, chat["stream"], think=chat["think"])
    search_tools(body)
    renderer = MessagesRenderer(chat["model"], anthropic_parser.estimated_tokens(body))
    assert dumps(renderer.render_end(Completion("stop", OutputDelta()), "", {}))


def of_responses(body: dict[str, Any]) -> None:
    chat = responses_parser.chat_body(body)
    chat_request(chat, MODEL, DIALECT, chat["stream"], think=chat["think"])
    search_tools(body)
    assert dumps(ResponsesRenderer(body, 1).render_end(Completion("stop", OutputDelta()), "", {}))


def of_chat(body: dict[str, Any]) -> None:
    check_messages(body.get("messages"))
    chat_completion_request(body, MODEL, DIALECT, read_effort(body)[1])


def of_completions(body: dict[str, Any]) -> None:
    check_stop_texts(body.get("stop"))
    if body.get("prompt"):
        completion_request(body, MODEL, DIALECT)


TURNS = [{"role": "user", "content": "a"}]
ROUTES = {
    "MessagesRequest": (of_messages, {"model": "m", "max_tokens": 9, "messages": TURNS}),
    "ResponsesRequest": (of_responses, {"model": "m"}),
    "ChatCompletionRequest": (of_chat, {"model": "m", "messages": TURNS}),
    "CompletionRequest": (of_completions, {"model": "m"}),
    "OpenaiEmbedRequest": (embedding_inputs, {"model": "m"}),
}


@pytest.mark.parametrize("name", ROUTES)
def test_any_body_is_a_request_or_an_error_for_the_client(name: str) -> None:
    translate, base = ROUTES[name]

    @settings(
        max_examples=3 * settings.default.max_examples, suppress_health_check=list(HealthCheck)
    )
    @given(made_from(contract.schema(name)))
    def holds(body: dict[str, Any]) -> None:
        try:
            translate(decoder(name).decode(orjson.dumps({**base, **(body or {})})))
        except OllamaError as error:
            status = error.status
        else:
            status = 200
        assert status in (200, 400)

    holds()
