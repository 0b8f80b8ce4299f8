from typing import Any

import pytest

from ollama_facade import contract
from ollama_facade.golang.decode_errors import DecodeError, MismatchError
from ollama_facade.golang.types import needs_slow_decode, shape_of
from ollama_facade.golang.unmarshal import unmarshal
from ollama_facade.golang.values import read

NO_OBJECT = "Value looks like object, but can't find closing '}' symbol"
THINK = '(must be "high", "medium", "low", "max", true, or false)'
CHAT, GENERATE, EMBED = "ChatRequest", "GenerateRequest", "EmbedRequest"


def mismatch(kind: str, place: str, go_type: str) -> str:
    return f"json: cannot unmarshal {kind} into Go struct field {place} of type {go_type}"


def with_property(text: str) -> str:
    return '{"tools":[{"function":{"parameters":{"properties":{"a":' + text + "}}}}]}"


def with_call(text: str) -> str:
    return '{"messages":[{"tool_calls":[{"function":' + text + "}]}]}"


PROPERTIES = "ToolFunctionParameters.tools.function.parameters.properties"

MISMATCHES = [
    # inference.md §1.1
    (GENERATE, '{"model":1}', mismatch("number", "GenerateRequest.model", "string")),
    (GENERATE, '{"prompt":["a"]}', mismatch("array", "GenerateRequest.prompt", "string")),
    (GENERATE, '{"stream":"false"}', mismatch("string", "GenerateRequest.stream", "bool")),
    (
        GENERATE,
        '{"options":[]}',
        mismatch("array", "GenerateRequest.options", "map[string]interface {}"),
    ),
    (GENERATE, '{"context":"x"}', mismatch("string", "GenerateRequest.context", "[]int")),
    (GENERATE, '{"context":[1.5]}', mismatch("number 1.5", "GenerateRequest.context", "int")),
    (
        GENERATE,
        '{"top_logprobs":1e3}',
        mismatch("number 1e3", "GenerateRequest.top_logprobs", "int"),
    ),
    (GENERATE, '{"images":"abc"}', mismatch("string", "GenerateRequest.images", "[]api.ImageData")),
    (GENERATE, '{"images":[5]}', mismatch("number", "GenerateRequest.images", "api.ImageData")),
    (GENERATE, '{"images":[[300]]}', mismatch("number 300", "GenerateRequest.images", "uint8")),
    (GENERATE, '{"images":[["a"]]}', mismatch("string", "GenerateRequest.images", "uint8")),
    (CHAT, '{"messages":"hi"}', mismatch("string", "ChatRequest.messages", "[]api.Message")),
    (CHAT, '{"messages":["hi"]}', mismatch("string", "ChatRequest.messages", "api.Alias")),
    (
        CHAT,
        '{"messages":[{"content":[{"type":"text","text":"x"}]}]}',
        mismatch("array", "ChatRequest.messages.content", "string"),
    ),
    (CHAT, '{"messages":[{"role":5}]}', mismatch("number", "ChatRequest.messages.role", "string")),
    (
        CHAT,
        with_call('{"name":5}'),
        mismatch("number", "ChatRequest.messages.tool_calls.function.name", "string"),
    ),
    (CHAT, '{"tools":{}}', mismatch("object", "ChatRequest.tools", "api.Tools")),
    (CHAT, '{"tools":["x"]}', mismatch("string", "ChatRequest.tools", "api.Tool")),
    (
        CHAT,
        '{"tools":[{"function":"x"}]}',
        mismatch("string", "Tool.tools.function", "api.ToolFunction"),
    ),
    (EMBED, '{"dimensions":"5"}', mismatch("string", "EmbedRequest.dimensions", "int")),
    (EMBED, '{"input":[1e999]}', mismatch("number 1e999", "EmbedRequest.input", "float64")),
    # the path of an inner decoding is appended, at any depth (inference.md §2.7)
    (CHAT, with_property("5"), mismatch("number", PROPERTIES, "api.ToolProperty")),
    (CHAT, with_property('{"type":5}'), mismatch("number", f"{PROPERTIES}.type", "[]string")),
    (CHAT, with_property('{"type":[5]}'), mismatch("number", f"{PROPERTIES}.type", "string")),
    (
        CHAT,
        with_property('{"properties":{"b":{"description":5}}}'),
        mismatch("number", f"{PROPERTIES}.properties.description", "string"),
    ),
    (
        CHAT,
        with_property('{"anyOf":[{"type":{}}]}'),
        mismatch("object", f"{PROPERTIES}.anyOf.type", "[]string"),
    ),
    (
        CHAT,
        with_call('{"arguments":{"a":1e999}}'),
        mismatch("number 1e999", "ChatRequest.messages.tool_calls.function.arguments", "float64"),
    ),
    (
        "CreateRequest",
        '{"files":{"a":5}}',
        mismatch("number", "CreateRequest.files", "string"),
    ),
    (CHAT, '{"keep_alive":1e999}', mismatch("number 1e999", "ChatRequest.keep_alive", "float64")),
]

OWN_WORDS = [
    # inference.md §2.1
    ('{"keep_alive":"abc"}', 'time: invalid duration "abc"'),
    ('{"keep_alive":""}', 'time: invalid duration ""'),
    ('{"keep_alive":"300"}', 'time: missing unit in duration "300"'),
    ('{"keep_alive":"5x"}', 'time: unknown unit "x" in duration "5x"'),
    ('{"keep_alive":"2562048h"}', 'time: invalid duration "2562048h"'),
    ('{"keep_alive":true}', "Unsupported type: 'bool'"),
    ('{"keep_alive":[]}', "Unsupported type: '[]interface {}'"),
    ('{"keep_alive":{}}', "Unsupported type: 'map[string]interface {}'"),
    # inference.md §2.2
    ('{"think":"xyz"}', f'invalid think value: "xyz" {THINK}'),
    ('{"think":""}', f'invalid think value: "" {THINK}'),
    ('{"think":"High"}', f'invalid think value: "High" {THINK}'),
    ('{"think":"\\n\\""}', f'invalid think value: "\\n\\"" {THINK}'),
    ('{"think":1}', THINK.replace("(must be ", "think must be a boolean or string (")),
    ('{"think":[]}', THINK.replace("(must be ", "think must be a boolean or string (")),
    # inference.md §2.4
    (
        '{"messages":[{"images":["data:image/png;base64,AA"]}]}',
        "illegal base64 data at input byte 4",
    ),
    # inference.md §2.6, §2.7
    (with_call('{"arguments":"{}"}'), NO_OBJECT),
    (with_call('{"arguments":[]}'), NO_OBJECT),
    ('{"tools":[{"function":{"parameters":{"properties":[]}}}]}', NO_OBJECT),
    (with_property('{"properties":5}'), NO_OBJECT),
]

PRECEDENCE = [
    (
        '{"model":1,"prompt":2}',
        GENERATE,
        mismatch("number", "GenerateRequest.model", "string"),
    ),
    ('{"model":1,"keep_alive":"x"}', GENERATE, 'time: invalid duration "x"'),
    ('{"keep_alive":"x","think":"y"}', GENERATE, 'time: invalid duration "x"'),
    (
        '{"messages":["x"],"keep_alive":true}',
        CHAT,
        mismatch("string", "ChatRequest.messages", "api.Alias"),
    ),
    ('{"images":["x"],"model":1}', GENERATE, "illegal base64 data at input byte 0"),
    (
        '{"model":1,"images":["x"]}',
        GENERATE,
        mismatch("number", "GenerateRequest.model", "string"),
    ),
    (
        '{"messages":[{"role":1,"images":["!"]}]}',
        CHAT,
        mismatch("number", "ChatRequest.messages.role", "string"),
    ),
    (
        '{"messages":[{"role":1,"tool_calls":[{"function":{"arguments":1}}]}]}',
        CHAT,
        NO_OBJECT,
    ),
    (
        '{"options":{"a":1e999},"stream":5}',
        CHAT,
        mismatch("number 1e999", "ChatRequest.options", "float64"),
    ),
]


def error_text(schema: str, body: str) -> str:
    with pytest.raises(DecodeError) as error:
        unmarshal(shape_of(contract.schema(schema)), read(body.encode()))
    return str(error.value)


def decoded(schema: str, body: str) -> Any:
    return unmarshal(shape_of(contract.schema(schema)), read(body.encode()))


@pytest.mark.parametrize(("schema", "body", "text"), MISMATCHES)
def test_a_value_of_the_wrong_type_is_named_with_its_field(
    schema: str, body: str, text: str
) -> None:
    assert error_text(schema, body) == text


@pytest.mark.parametrize(("body", "text"), OWN_WORDS)
def test_a_type_with_its_own_decoder_has_its_own_words(body: str, text: str) -> None:
    assert error_text(CHAT, body) == text


@pytest.mark.parametrize(("body", "schema", "text"), PRECEDENCE)
def test_the_first_mismatch_is_reported_unless_a_decoder_of_its_own_fails(
    body: str, schema: str, text: str
) -> None:
    assert error_text(schema, body) == text


def test_a_mismatch_without_a_field_names_the_value() -> None:
    text = "json: cannot unmarshal bool into Go value of type api.ChatRequest"
    assert str(MismatchError("bool", "api.ChatRequest")) == text


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('{"think":"max","keep_alive":-1}', {"think": "max", "keep_alive": -1}),
        ('{"model":"a","model":null}', {"model": "a"}),
        ('{"messages":[{}],"messages":null}', {}),
        ('{"think":true,"think":null}', {}),
        (with_call('{"arguments":null}'), {"messages": [{"tool_calls": [{"function": {}}]}]}),
        (
            '{"messages":[{"tool_calls":[{"function":{"name":"a"},"function":{"index":1}}]}]}',
            {"messages": [{"tool_calls": [{"function": {"name": "a", "index": 1}}]}]},
        ),
    ],
)
def test_null_and_repetition_leave_what_go_leaves(body: str, expected: object) -> None:
    assert decoded(CHAT, body) == expected


def test_null_is_none() -> None:
    assert decoded(CHAT, "null") is None


@pytest.mark.parametrize(
    ("body", "slow"),
    [
        ({"model": "a", "unknown": 1}, False),
        ({"Model": "a"}, True),
        ({"options": {"Model": 1}}, False),
        ({"messages": [{"role": "user", "extra": 1}]}, False),
        ({"messages": [{"Role": "user"}]}, True),
        ({"messages": [None]}, True),
        ({"messages": [{"images": ["QUJD"]}]}, False),
        ({"messages": [{"images": ["QUJ"]}]}, True),
        ({"messages": [{"images": [[1, 2]]}]}, True),
        ({"messages": [{"tool_calls": [{"function": {"arguments": {"NAME": 1}}}]}]}, False),
        ({"keep_alive": "2562048h"}, True),
        ({"keep_alive": "5m", "tools": None}, False),
        ({"tools": [{"function": {"parameters": {"properties": {"A": {"type": "x"}}}}}]}, False),
        ({"tools": [{"function": {"parameters": {"properties": {"A": {"TYPE": "x"}}}}}]}, True),
    ],
)
def test_only_an_unusual_body_needs_the_slow_decoder(body: dict[str, Any], slow: bool) -> None:
    assert needs_slow_decode(shape_of(contract.schema(CHAT)), body) == slow
