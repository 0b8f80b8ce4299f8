"""Values of several forms, decoded as Ollama does (its anthropic.go and responses.go)."""

from __future__ import annotations

import warnings
from typing import Any

import orjson
import pytest

from ollama_facade.errors import OllamaError

with warnings.catch_warnings():
    # Connexion imports names that jsonschema has deprecated.
    warnings.filterwarnings("ignore", r"jsonschema\.", DeprecationWarning)
    from ollama_facade.contract.decoder import decoder

PEEKED = 'struct { Type string "json:\\"type\\""; Role string "json:\\"role\\"" }'
MESSAGE = 'struct { Role string "json:\\"role\\""; Content json.RawMessage "json:\\"content\\"" }'
NO_TEXT = "must be a string or array: json: cannot unmarshal number into Go value of type"


def mismatch(kind: str, place: str, go_type: str) -> str:
    return f"json: cannot unmarshal {kind} into Go struct field {place} of type {go_type}"


def refused(schema: str, body: Any) -> str:
    with pytest.raises(OllamaError) as error:
        decoder(schema).decode(orjson.dumps(body))
    assert error.value.status == 400
    return error.value.message


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (None, "unexpected end of JSON input"),
        ({"role": "user"}, "unexpected end of JSON input"),
        ("x", mismatch("string", "MessagesRequest.messages", MESSAGE)),
        ({"role": 1, "content": 5}, mismatch("number", "MessagesRequest.messages.role", "string")),
        (
            {"content": 5, "role": 1},
            mismatch("number", "MessagesRequest.messages.role", "string"),
        ),
        (
            {"content": 5},
            mismatch("number", "MessagesRequest.messages", "[]anthropic.ContentBlock"),
        ),
        (
            {"content": [1]},
            mismatch("number", "MessagesRequest.messages", "anthropic.ContentBlock"),
        ),
        (
            {"content": [{"source": {"type": 1}}]},
            mismatch("number", "MessagesRequest.messages.source.type", "string"),
        ),
        (
            {"content": [{"input": 1}]},
            "Value looks like object, but can't find closing '}' symbol",
        ),
    ],
)
def test_a_message_of_anthropic_is_refused_in_gos_words(message: Any, text: str) -> None:
    assert refused("MessagesRequest", {"messages": [message]}) == text


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (5, f"input {NO_TEXT} []json.RawMessage"),
        ([None], "input[0]: input item missing required 'type' field"),
        ([[1]], f"input[0]: json: cannot unmarshal array into Go value of type {PEEKED}"),
        ([{"role": 1}], "input[0]: " + mismatch("number", ".role", "string")),
        ([{"type": "zzz"}], 'input[0]: unknown input item type: "zzz"'),
        ([{"role": "u", "content": 5}], f"input[0]: content {NO_TEXT} []json.RawMessage"),
        (
            [{"role": "u", "content": [{"type": "zzz"}]}],
            "input[0]: content[0]: unknown content type: zzz",
        ),
        (
            [{"role": "u"}, {"type": "function_call_output", "output": [None]}],
            "input[1]: output[0]: unknown content type: ",
        ),
        (
            [{"role": "u", "content": [{"type": "input_text", "text": 5}]}],
            "input[0]: content[0]: " + mismatch("number", "ResponsesTextContent.text", "string"),
        ),
        (
            [{"type": "function_call", "arguments": {}}],
            "input[0]: " + mismatch("object", "ResponsesFunctionCall.arguments", "string"),
        ),
    ],
)
def test_an_item_of_a_response_is_refused_in_ollamas_words(given: Any, text: str) -> None:
    assert refused("ResponsesRequest", {"input": given}) == text


@pytest.mark.parametrize(
    ("schema", "tools", "text"),
    [
        (
            "MessagesRequest",
            [{"input_schema": {"type": 1}, "name": "x"}],
            'invalid input_schema for tool "x": '
            + mismatch("number", "ToolFunctionParameters.type", "string"),
        ),
        (
            "MessagesRequest",
            [{"input_schema": [1], "name": "x"}, {"name": 1}],
            mismatch("number", "Tool.tools.name", "string"),
        ),
        (
            "ResponsesRequest",
            [{"parameters": {"type": 1}}],
            "failed to unmarshal tool parameters: "
            + mismatch("number", "ToolFunctionParameters.type", "string"),
        ),
        (
            "ResponsesRequest",
            [{"parameters": [1]}],
            mismatch("array", "ResponsesTool.tools.parameters", "map[string]interface {}"),
        ),
    ],
)
def test_parameters_of_a_tool_are_read_after_everything_else(
    schema: str, tools: Any, text: str
) -> None:
    assert refused(schema, {"tools": tools}) == text


@pytest.mark.parametrize(
    ("schema", "body"),
    [
        ("MessagesRequest", {"messages": [{"role": "user", "content": "a"}]}),
        ("MessagesRequest", {"messages": [{"role": "user", "content": [{"type": "text"}]}]}),
        ("MessagesRequest", {"tools": [{"name": "f", "input_schema": {"type": "object"}}]}),
        ("ResponsesRequest", {"input": "a"}),
        ("ResponsesRequest", {"input": [{"role": "user", "content": "a"}]}),
        (
            "ResponsesRequest",
            {"input": [{"type": "function_call_output", "output": [{"type": "input_text"}]}]},
        ),
        ("ResponsesRequest", {"tools": [{"type": "namespace", "tools": [{"name": "f"}]}]}),
    ],
)
def test_both_ways_make_the_same_of_a_good_body(schema: str, body: Any) -> None:
    encoded = orjson.dumps(body)
    assert decoder(schema).decode(encoded) == body
    # What follows the value makes orjson refuse it, so this takes the slow way.
    assert decoder(schema).decode(encoded + b" and more") == body


def test_keys_differ_in_case_in_an_item_as_elsewhere() -> None:
    body = {"input": [{"Type": "message", "CONTENT": None}]}
    checked = decoder("ResponsesRequest").decode(orjson.dumps(body))
    assert checked["input"] == [{"type": "message", "content": ""}]
