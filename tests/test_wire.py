"""proxy/wire.py is what openapi/ollama.yaml makes of it."""

from __future__ import annotations

import subprocess
import sys
import typing
from pathlib import Path

import pytest

from proxy import contract, wire

GENERATE = Path(__file__).resolve().parent.parent / "openapi" / "generate.py"
SCHEMAS = contract.document()["components"]["schemas"]
OBJECTS = sorted(name for name, schema in SCHEMAS.items() if "properties" in schema)
REQUESTS = sorted({operation.request for operation in contract.operations() if operation.request})


def test_the_generated_types_are_fresh() -> None:
    checked = subprocess.run(
        [sys.executable, str(GENERATE), "--check"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


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
