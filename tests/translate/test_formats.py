"""`format` (inference.md §2.3)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ollama_facade.errors import OllamaError
from ollama_facade.translate.dialect_table import dialect
from ollama_facade.translate.formats import (
    completion_format_parameters,
    format_parameters,
    read_format,
)

SCHEMA = {"type": "object", "properties": {"b": {"type": "integer"}, "a": {"type": "string"}}}
CLOSED = {
    "type": "object",
    "additionalProperties": False,
    "required": ["a"],
    "properties": {
        "a": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": [],
                "properties": {},
            },
        }
    },
}


@pytest.mark.parametrize("value", [None, ""])
def test_nothing_is_no_format(value: Any) -> None:
    assert format_parameters(value, dialect("default")) == ({}, True)
    assert completion_format_parameters(value, dialect("default")) == ({}, True)


def test_json_is_the_json_object_of_openai() -> None:
    expected = {"response_format": {"type": "json_object"}}
    assert format_parameters("json", dialect("default")) == (expected, True)


def test_a_schema_is_sent_in_its_own_key_order() -> None:
    parameters, whole = format_parameters(SCHEMA, dialect("default"))
    assert whole
    assert json.dumps(parameters) == json.dumps(
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "schema", "schema": SCHEMA},
            }
        }
    )


@pytest.mark.parametrize(
    ("value", "raw"),
    [
        ("xml", '"\\"xml\\""'),
        ("JSON", '"\\"JSON\\""'),
        (True, '"true"'),
        (5, '"5"'),
        ([], '"[]"'),
        (["a", 1], '"[\\"a\\",1]"'),
    ],
)
def test_anything_else_is_refused_in_ollamas_words(value: Any, raw: str) -> None:
    with pytest.raises(OllamaError) as raised:
        read_format(value)
    assert raised.value.status == 500
    assert raised.value.message == (
        f'invalid format: {raw}; expected "json" or a valid JSON Schema object'
    )


def test_a_backend_without_schemas_gets_json_and_the_rest_is_named() -> None:
    expected = {"response_format": {"type": "json_object"}}
    assert format_parameters(SCHEMA, dialect("deepseek")) == (expected, False)
    assert format_parameters("json", dialect("deepseek")) == (expected, True)


def test_completions_take_a_schema_where_the_backend_has_one() -> None:
    assert completion_format_parameters(SCHEMA, dialect("default")) == ({}, False)
    assert completion_format_parameters(SCHEMA, dialect("llamacpp")) == (
        {"json_schema": SCHEMA},
        True,
    )
    assert "response_format" in completion_format_parameters("json", dialect("vllm"))[0]


def strict(schema: dict[str, Any]) -> bool:
    parameters, _ = format_parameters(schema, dialect("openai"))
    return "strict" in parameters["response_format"]["json_schema"]


def test_strict_is_asked_for_where_strict_mode_takes_the_schema() -> None:
    assert strict(CLOSED)


@pytest.mark.parametrize(
    "schema",
    [
        SCHEMA,
        {**CLOSED, "required": []},
        {**CLOSED, "additionalProperties": True},
        {**CLOSED, "patternProperties": {}},
        {**CLOSED, "type": "array"},
        {**CLOSED, "$defs": {"x": {"type": "object", "properties": {}}}},
        {**CLOSED, "properties": []},
    ],
)
def test_strict_is_not_asked_for_otherwise(schema: dict[str, Any]) -> None:
    assert not strict(schema)
