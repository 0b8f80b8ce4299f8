"""The reference page says all that the contract says, and its links lead somewhere."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ollama_facade import contract
from openapi.reference import operations, reference, routes
from openapi.words import anchor, first_sentence, kind

DOCUMENT = contract.document()
SCHEMAS = DOCUMENT["components"]["schemas"]
PAGE = reference(DOCUMENT)
HEADINGS = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL), re.MULTILINE)


def section(title: str) -> str:
    """What stands below a heading, up to the next one."""
    return PAGE.partition(f"\n### {title}\n")[2].partition("\n### ")[0]


def rows(text: str) -> list[list[str]]:
    """The cells of every row of every table."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_every_heading_has_a_name_of_its_own() -> None:
    assert len(set(map(anchor, HEADINGS))) == len(HEADINGS)


@pytest.mark.parametrize("text", [PAGE, routes(DOCUMENT)], ids=["page", "table of routes"])
def test_every_link_leads_to_a_heading(text: str) -> None:
    names = {anchor(heading) for heading in HEADINGS}
    links = re.findall(r"\]\([^)#]*#([^)]*)\)", text)
    assert links
    assert set(links) <= names


@pytest.mark.parametrize(("path", "method", "operation"), list(operations(DOCUMENT)))
def test_an_operation_has_its_purpose_its_errors_and_an_example(
    path: str, method: str, operation: dict[str, Any]
) -> None:
    text = section(f"{method.upper()} {path}")
    assert text.startswith(f"\n{operation['summary']}.\n")
    assert operation.get("description", "") in text
    assert "```sh\ncurl " in text
    found = [row[:2] for row in rows(text)]
    for error in operation.get("x-ollama-errors", ()):
        assert [str(error["status"]), f"`{error['error']}`"] in found


@pytest.mark.parametrize("name", [name for name, one in SCHEMAS.items() if "properties" in one])
def test_every_field_of_every_object_is_in_one_table(name: str) -> None:
    wanted = [f"`{field}`" for field in SCHEMAS[name]["properties"]]
    tables = [
        [row[0] for row in rows(table) if "." not in row[0]] for table in PAGE.split("\n|---|")[1:]
    ]
    assert wanted in [table[: len(wanted)] for table in tables]


@pytest.mark.parametrize("name", list(SCHEMAS["Options"]["properties"]))
def test_an_option_says_where_it_goes(name: str) -> None:
    backend = SCHEMAS["Options"]["properties"][name]["x-backend"]
    [row] = [row for row in rows(PAGE.partition("\n## Options\n")[2]) if row[0] == f"`{name}`"]
    assert (backend["parameter"] or backend["group"]) in row[3]
    assert backend["group"] in row[3]
    assert backend.get("note", "") in row[3]
    assert row[2]


def test_a_default_is_shown_also_that_of_a_type() -> None:
    shown = {row[0]: row[2] for row in rows(section("POST /api/chat"))}
    assert shown["`stream`"] == "`true`"
    assert shown["`keep_alive`"] == "`OLLAMA_KEEP_ALIVE`"


@pytest.mark.parametrize(
    ("node", "words"),
    [
        ({"type": "string"}, "text"),
        ({"type": "boolean"}, "true or false"),
        ({"type": "integer", "format": "int64"}, "integer"),
        ({"type": "string", "format": "date-time"}, "time"),
        ({"type": "string", "enum": ["a", "b"]}, '`"a"` or `"b"`'),
        ({"type": "array", "items": {"type": "number"}}, "list of number"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "object of text"),
        ({"type": "object", "additionalProperties": True}, "object"),
        ({"anyOf": [{"type": "number"}, {"type": "string"}]}, "number or text"),
        ({"$ref": "#/components/schemas/Think"}, "[Think](#think)"),
        ({"x-ollama-ref": "#/components/schemas/Tool", "type": "object"}, "[Tool](#tool)"),
        ({"x-ollama-type": "float32"}, "number"),
        ({}, "anything"),
    ],
)
def test_a_type_is_said_in_words(node: dict[str, Any], words: str) -> None:
    assert kind(node) == words


@pytest.mark.parametrize(
    ("text", "sentence"), [("", ""), ("One.", "One."), ("One, 0.5 of it. Two.", "One, 0.5 of it.")]
)
def test_a_sentence_ends_at_a_full_stop_and_a_space(text: str, sentence: str) -> None:
    assert first_sentence(text) == sentence
