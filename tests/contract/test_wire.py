"""The types of the wire say what the schemas say (openapi/generate.py makes them)."""

from __future__ import annotations

import typing

import pytest

from ollama_facade import contract
from ollama_facade.contract import wire

SCHEMAS = contract.document()["components"]["schemas"]
OBJECTS = sorted(name for name, schema in SCHEMAS.items() if "properties" in schema)
REQUESTS = sorted({operation.request for operation in contract.operations() if operation.request})


@pytest.mark.parametrize("name", OBJECTS)
def test_a_type_has_the_very_keys_of_its_schema(name: str) -> None:
    assert set(getattr(wire, name).__annotations__) == set(SCHEMAS[name]["properties"])


@pytest.mark.parametrize("name", REQUESTS)
def test_no_key_of_a_request_is_required(name: str) -> None:
    hints = typing.get_type_hints(getattr(wire, name), include_extras=True)
    assert all(typing.get_origin(hint) is typing.NotRequired for hint in hints.values())


@pytest.mark.parametrize("name", sorted(set(REQUESTS) - {"WebSearchRequest", "WebFetchRequest"}))
def test_every_value_of_a_request_may_be_none(name: str) -> None:
    for hint in typing.get_type_hints(getattr(wire, name)).values():
        assert hint is typing.Any or type(None) in typing.get_args(hint)
