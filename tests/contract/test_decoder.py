import base64
import json
import warnings
from pathlib import Path
from typing import Any

import orjson
import pytest

from ollama_facade.errors import ContractError, OllamaError
from ollama_facade.golang.scanner import MAX_DEPTH

with warnings.catch_warnings():
    # Connexion imports names that jsonschema has deprecated.
    warnings.filterwarnings("ignore", r"jsonschema\.", DeprecationWarning)
    from ollama_facade.contract.decoder import Decoder, decoder

DATA = Path(__file__).parent / "data"
REQUESTS = (
    "ChatRequest",
    "GenerateRequest",
    "EmbedRequest",
    "EmbeddingRequest",
    "ShowRequest",
    "PullRequest",
    "PushRequest",
    "CreateRequest",
    "CopyRequest",
    "DeleteRequest",
)


def cases(file: str) -> list[Any]:
    """One parameter set a line: schema, body, error text or None."""
    rows = [json.loads(line) for line in (DATA / file).read_text("utf-8").splitlines()]
    return [
        pytest.param(
            row["schema"],
            base64.b64decode(row["base64"]) if "base64" in row else row["body"].encode(),
            row["error"],
            id=row.get("case", f"line-{number}"),
        )
        for number, row in enumerate(rows, 1)
    ]


def error_of(schema: str, body: bytes) -> str | None:
    """What a body is refused with; anything but an object or status 400 raises."""
    try:
        return None if isinstance(decoder(schema).decode(body), dict) else "no object"
    except OllamaError as error:
        return error.message if error.status == 400 else repr(error)


@pytest.mark.parametrize(("schema", "body", "error"), cases("recorded.jsonl"))
def test_a_recorded_body_is_decoded_as_the_real_server_does(
    schema: str, body: bytes, error: str | None
) -> None:
    assert error_of(schema, body) == error


# Random bodies, decoded by Go 1.26.8 into structs with the same fields.
@pytest.mark.parametrize(("schema", "body", "error"), cases("go_says.jsonl"))
def test_a_random_body_is_decoded_as_go_does(schema: str, body: bytes, error: str | None) -> None:
    assert error_of(schema, body) == error


@pytest.mark.parametrize("schema", REQUESTS)
@pytest.mark.parametrize("body", [b"", b" \r\n\t"])
def test_an_empty_body_is_missing(schema: str, body: bytes) -> None:
    assert error_of(schema, body) == "missing request body"


@pytest.mark.parametrize("schema", REQUESTS)
def test_null_is_an_empty_object_and_anything_else_is_named(schema: str) -> None:
    assert decoder(schema).decode(b"null") == {}
    for body, kind in ((b"[]", "array"), (b'"x"', "string"), (b"5", "number"), (b"true", "bool")):
        expected = f"json: cannot unmarshal {kind} into Go value of type api.{schema}"
        assert error_of(schema, body) == expected


def test_every_prefix_of_a_body_is_truncated_or_missing() -> None:
    body = b' {"model":"gen","messages":[{"content":"h\\u00e9"}],"options":{"seed":-1.5}}'
    for length in range(len(body)):
        expected = "unexpected EOF" if body[:length].strip() else "missing request body"
        assert error_of("ChatRequest", body[:length]) == expected
    assert error_of("ChatRequest", body) is None


TOLERATED = [
    ("ChatRequest", b'{"model":"a"} trash', {"model": "a"}),
    ("ChatRequest", b'{"model":"a"}{"model":"b"}', {"model": "a"}),
    ("ChatRequest", b'{"MODEL":"a","Stream":false}', {"model": "a", "stream": False}),
    ("ChatRequest", b'{"model":"a","MODEL":"b"}', {"model": "b"}),
    ("ChatRequest", b'{"MODEL":"b","model":"a"}', {"model": "a"}),
    ("ChatRequest", '{"\u212aeep_alive":5}'.encode(), {"keep_alive": 5}),
    ("ChatRequest", b'{"model":"a","model":"b"}', {"model": "b"}),
    (
        "ChatRequest",
        b'{"options":{"seed":1,"top_k":2},"options":{"seed":3}}',
        {"options": {"seed": 3, "top_k": 2}},
    ),
    (
        "CreateRequest",
        b'{"files":{"a":"1"},"Files":{"b":null}}',
        {"files": {"a": "1", "b": ""}},
    ),
    # Keys of maps are the client's own.
    (
        "ChatRequest",
        b'{"options":{"SEED":1},"tools":[{"FUNCTION":{"parameters":{"properties":{"NAME":{"TYPE":"x"}}}}}]}',
        {
            "options": {"SEED": 1},
            "tools": [{"function": {"parameters": {"properties": {"NAME": {"type": "x"}}}}}],
        },
    ),
    (
        "ChatRequest",
        b'{"messages":[{"Role":"USER","tool_calls":[{"function":{"arguments":{"Name":1}}}]}]}',
        {"messages": [{"role": "USER", "tool_calls": [{"function": {"arguments": {"Name": 1}}}]}]},
    ),
    ("ChatRequest", b'{"messages":[null],"tools":[null]}', {"messages": [{}], "tools": [{}]}),
    ("GenerateRequest", b'{"images":[null,[1,2]]}', {"images": ["", "AQI="]}),
    ("GenerateRequest", b'{"context":[1,null]}', {"context": [1, 0]}),
    ("GenerateRequest", b'{"Prompt":null,"format":null}', {"format": None}),
    ("GenerateRequest", b'{"prompt":"\xff\\ud800"}', {"prompt": "\ufffd\ufffd"}),
    ("GenerateRequest", b'{"bogus":1e999,"prompt":"x"}', {"prompt": "x"}),
    (
        "EmbedRequest",
        b'{"input":{"a":[1]},"dimensions":-0}',
        {"input": {"a": [1]}, "dimensions": 0},
    ),
]


@pytest.mark.parametrize(("schema", "body", "checked"), TOLERATED)
def test_what_go_tolerates_is_brought_into_the_contracts_form(
    schema: str, body: bytes, checked: dict[str, Any]
) -> None:
    assert decoder(schema).decode(body) == checked


BEYOND = [
    # faults.md §3.1 rows 8 and 10, management.md §1.3
    (b'{"options":{"a":' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}}", "exceeded max depth"),
    (b"[" * 990 + b"]" * 990, "exceeded max depth"),
    (b"[" * 100_000, "exceeded max depth"),
    (
        b'{"top_logprobs":%b}' % (b"1" * 5000),
        f"json: cannot unmarshal number {'1' * 5000} into Go struct field"
        " ChatRequest.top_logprobs of type int",
    ),
    (
        b'{"top_logprobs":9223372036854775808}',
        "json: cannot unmarshal number 9223372036854775808 into Go struct field"
        " ChatRequest.top_logprobs of type int",
    ),
    (
        b'{"top_logprobs":5.0}',
        "json: cannot unmarshal number 5.0 into Go struct field"
        " ChatRequest.top_logprobs of type int",
    ),
    (
        b'{"options":{"seed":1e999}}',
        "json: cannot unmarshal number 1e999 into Go struct field"
        " ChatRequest.options of type float64",
    ),
    (b'{"keep_alive":NaN}', "invalid character 'N' looking for beginning of value"),
    (b'{"model":5,"keep_alive":"x"', "unexpected EOF"),
]


@pytest.mark.parametrize(("body", "error"), BEYOND)
def test_what_is_too_much_is_an_error_and_never_a_crash(body: bytes, error: str) -> None:
    assert error_of("ChatRequest", body) == error


def test_the_deepest_body_is_taken_by_both_ways() -> None:
    inner = MAX_DEPTH - 2
    options = b"[" * inner + b"]" * inner
    body = b'{"options":{"a":%b}}' % options
    odd = b'{"Options":{"a":%b}}' % options
    assert decoder("ChatRequest").decode(body) == decoder("ChatRequest").decode(odd)


def test_many_brackets_side_by_side_are_not_deep() -> None:
    body = orjson.dumps({"messages": [{"role": "user"}] * 2 * MAX_DEPTH})
    assert len(decoder("ChatRequest").decode(body)["messages"]) == 2 * MAX_DEPTH


def test_tools_nested_without_end_are_too_deep_and_nothing_worse() -> None:
    levels = (MAX_DEPTH - 20) // 2
    nested = b'{"properties":{"a":' * levels + b"{}" + b"}}" * levels
    body = b'{"Tools":[{"function":{"parameters":%b}}]}' % nested
    assert error_of("ChatRequest", body) in (None, "exceeded max depth")


def test_a_decoder_can_be_made_of_a_schema_of_its_own() -> None:
    schema = {
        "type": ["object", "null"],
        "x-ollama-type": "api.Own",
        "x-ollama-struct": "Own",
        "properties": {"count": {"type": ["integer", "null"], "x-ollama-type": "int"}},
    }
    own = Decoder("Own", schema)
    assert own.decode(b'{"COUNT":1}') == {"count": 1}
    with pytest.raises(
        OllamaError, match=r"number 1\.5 into Go struct field Own\.count of type int"
    ):
        own.decode(b'{"count":1.5}')


@pytest.mark.parametrize("node", [{"x-ollama-decoder": "guess"}, {"type": ["string", "integer"]}])
def test_a_schema_without_a_go_type_does_not_start(node: dict[str, Any]) -> None:
    schema = {"type": "object", "x-ollama-struct": "Own", "properties": {"a": node}}
    with pytest.raises(ContractError):
        Decoder("Own", schema)


def test_a_tool_of_responses_is_an_object() -> None:
    expected = (
        "json: cannot unmarshal array into Go struct field ResponsesRequest.tools"
        " of type openai.ResponsesTool"
    )
    assert error_of("ResponsesRequest", b'{"tools":[[1]]}') == expected


@pytest.mark.parametrize("text", ["AAA", "AAAA=", "A\u00e9AA", "!"])
def test_a_text_that_is_no_base64_is_refused_as_go_does(text: str) -> None:
    body = json.dumps({"messages": [{"role": "user", "images": ["AA==", text]}]}).encode()
    with pytest.raises(OllamaError, match="illegal base64 data at input byte"):
        decoder("ChatRequest").decode(body)


def test_a_time_that_is_none_is_refused_as_go_does() -> None:
    with pytest.raises(OllamaError, match="time: invalid duration"):
        decoder("ChatRequest").decode(b'{"keep_alive":"soon"}')
