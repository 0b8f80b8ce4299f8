"""A change of the contract is found, weighed, and demands its version."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from openapi import changes as module
from openapi.changes import changes, demanded, main
from openapi.schema_changes import Change, Level

DOCUMENT: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "T", "version": "1.4.2"},
    "paths": {
        "/ask/{name}": {
            "parameters": [
                {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}
            ],
            "post": {
                "operationId": "ask",
                "summary": "Ask",
                "x-ollama-errors": [{"status": 400, "error": "no"}],
                "requestBody": {
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Question"}}
                    }
                },
                "responses": {
                    "200": {"$ref": "#/components/responses/Good"},
                    "404": {"description": "Nothing."},
                },
            },
            "get": {"operationId": "look", "summary": "Look", "responses": {}},
        },
        "/other": {},
    },
    "components": {
        "responses": {
            "Good": {
                "description": "Good.",
                "content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/Answer"}},
                    "text/plain": {"schema": {"type": "string"}},
                },
            }
        },
        "schemas": {
            "Question": {
                "type": "object",
                "required": ["text"],
                "properties": {
                    "text": {"type": "string", "nullable": True, "description": "Words."},
                    "count": {"type": "number", "minimum": 0},
                    "kind": {"type": "string", "enum": ["a", "b"]},
                    "any": {},
                    "either": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
                    "inner": {"x-ollama-ref": "#/components/schemas/Question"},
                },
            },
            "Answer": {
                "type": "object",
                "required": ["done"],
                "properties": {
                    "done": {"type": "boolean"},
                    "reason": {"type": "string", "enum": ["stop", "length"]},
                    "size": {"type": "integer", "minimum": 0},
                    "parts": {"type": "array", "items": {"type": "string"}},
                },
            },
        },
    },
}

Alteration = Callable[[dict[str, Any]], object]


def question(document: dict[str, Any]) -> dict[str, Any]:
    return document["components"]["schemas"]["Question"]


def answer(document: dict[str, Any]) -> dict[str, Any]:
    return document["components"]["schemas"]["Answer"]


def asking(document: dict[str, Any]) -> dict[str, Any]:
    return document["paths"]["/ask/{name}"]["post"]


def requested(name: str, **more: Any) -> Alteration:
    """A change of a field of the request."""
    return lambda document: question(document)["properties"].setdefault(name, {}).update(more)


def given(name: str, **more: Any) -> Alteration:
    """A change of a field of the answer."""
    return lambda document: answer(document)["properties"].setdefault(name, {}).update(more)


MAJOR: dict[str, Alteration] = {
    "a path is gone": lambda d: d["paths"].pop("/other"),
    "an operation is gone": lambda d: d["paths"]["/ask/{name}"].pop("get"),
    "a field of an answer is gone": lambda d: answer(d)["properties"].pop("parts"),
    "a field of a request is gone": lambda d: question(d)["properties"].pop("count"),
    "a field of a request is required": lambda d: question(d)["required"].append("count"),
    "a field of an answer is not required": lambda d: answer(d)["required"].clear(),
    "a body is required": lambda d: asking(d)["requestBody"].update(required=True),
    "a type of a request is narrowed": requested("count", type="integer"),
    "a type is another": requested("kind", type="integer"),
    "a free value gets a type": requested("any", type="string"),
    "a value may not be null": requested("text", nullable=False),
    "a value of a request's enumeration is gone": requested("kind", enum=["a"]),
    "a value of an answer's enumeration is gone": given("reason", enum=["stop"]),
    "a free text becomes an enumeration": requested("text", enum=["yes"]),
    "an answer is no enumeration": lambda d: answer(d)["properties"]["reason"].pop("enum"),
    "a type of an answer is widened": given("size", type="number"),
    "an answer may be null": given("done", nullable=True),
    "elements of an answer are others": given("parts", items={"type": "integer"}),
    "a bound of a request is tighter": requested("count", minimum=1),
    "a bound of an answer is looser": given("size", minimum=-1),
    "a bound is new in a request": requested("count", maximum=9),
    "a pattern is new in a request": requested("text", pattern="^a"),
    "other fields are refused": lambda d: question(d).update(additionalProperties=False),
    "a choice is gone": requested("either", anyOf=[{"type": "string"}]),
    "a choice is narrowed": requested("either", anyOf=[{"type": "string"}, {"enum": [1]}]),
    "a status is gone": lambda d: asking(d)["responses"].pop("404"),
    "a media type is gone": lambda d: d["components"]["responses"]["Good"]["content"].pop(
        "text/plain"
    ),
    "a parameter is gone": lambda d: d["paths"]["/ask/{name}"].pop("parameters"),
    "a parameter is required": lambda d: asking(d).update(
        parameters=[{"name": "q", "in": "query", "required": True, "schema": {}}]
    ),
    "a parameter is narrowed": lambda d: d["paths"]["/ask/{name}"]["parameters"][0].update(
        schema={"type": "string", "pattern": "^a"}
    ),
    "a key is needed": lambda d: d.update(security=[{"key": []}]),
    "the operationId is another": lambda d: asking(d).update(operationId="tell"),
}

MINOR: dict[str, Alteration] = {
    "a path is new": lambda d: d["paths"].update({"/new": {}}),
    "an operation is new": lambda d: d["paths"]["/other"].update(get={"responses": {}}),
    "a field of an answer is new": given("new", type="string"),
    "a field of a request is new": requested("new", type="string"),
    "a field of a request is not required": lambda d: question(d)["required"].clear(),
    "a field of an answer is required": lambda d: answer(d)["required"].append("size"),
    "a type of a request is widened": lambda d: question(d)["properties"]["count"].pop("type"),
    "a value may be null": requested("count", nullable=True),
    "a value of an enumeration is new": requested("kind", enum=["a", "b", "c"]),
    "a value of an answer is new": given("reason", enum=["stop", "length", "load"]),
    "a bound of a request is gone": lambda d: question(d)["properties"]["count"].pop("minimum"),
    "a bound of an answer is tighter": given("size", minimum=1),
    "a choice is new": requested(
        "either", anyOf=[{"type": "string"}, {"type": "integer"}, {"type": "boolean"}]
    ),
    "a status is new": lambda d: asking(d)["responses"].update({"409": {"description": "No."}}),
    "a parameter is new": lambda d: asking(d).update(
        parameters=[{"name": "q", "in": "query", "schema": {}}]
    ),
    "an error is new": lambda d: asking(d)["x-ollama-errors"].append({"status": 1, "error": "a"}),
    "a default is another": requested("count", **{"x-ollama-default": "1"}),
}

PATCH: dict[str, Alteration] = {
    "a field is described otherwise": requested("text", description="Other."),
    "an operation is described otherwise": lambda d: asking(d).update(summary="Ask!"),
    "the document is described otherwise": lambda d: d["info"].update(description="Other."),
    "a key may be sent": lambda d: d.update(security=[{}, {"key": []}]),
}


def after(change: Alteration) -> dict[str, Any]:
    document = copy.deepcopy(DOCUMENT)
    change(document)
    assert document != DOCUMENT
    return document


@pytest.mark.parametrize(
    ("change", "level", "version"),
    [
        pytest.param(change, level, version, id=name)
        for table, level, version in (
            (MAJOR, Level.MAJOR, (2, 0, 0)),
            (MINOR, Level.MINOR, (1, 5, 0)),
            (PATCH, Level.PATCH, (1, 4, 3)),
        )
        for name, change in table.items()
    ],
)
def test_a_change_demands_its_version(
    change: Alteration, level: Level, version: tuple[int, int, int]
) -> None:
    found = changes(DOCUMENT, after(change))
    assert max(one.level for one in found) is level, found
    assert demanded("1.4.2", found) == version


def test_no_change_demands_nothing() -> None:
    assert changes(DOCUMENT, copy.deepcopy(DOCUMENT)) == []
    assert demanded("1.4.2", []) == (1, 4, 2)


@pytest.mark.parametrize(
    ("level", "version"),
    [(Level.MAJOR, (0, 5, 0)), (Level.MINOR, (0, 5, 0)), (Level.PATCH, (0, 4, 3))],
)
def test_before_the_first_major_version_a_minor_one_is_enough(
    level: Level, version: tuple[int, int, int]
) -> None:
    assert demanded("0.4.2", [Change(level, "somewhere", "something")]) == version


def test_a_change_says_where_it_is() -> None:
    [found] = changes(DOCUMENT, after(MAJOR["a field of an answer is gone"]))
    assert found.place == "POST /ask/{name} 200 application/json.parts"
    assert found.what == "the field is gone"


def test_what_cannot_be_a_version_is_refused() -> None:
    with pytest.raises(ValueError, match="not enough values"):
        demanded("1.4", [])


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The released document, and the present one, in which a path is gone."""
    released, present = tmp_path / "released.yaml", tmp_path / "present.yaml"
    released.write_text(yaml.safe_dump(DOCUMENT), "utf-8")
    present.write_text(yaml.safe_dump(after(MAJOR["a path is gone"])), "utf-8")
    monkeypatch.setattr(module, "RELEASED", released)
    monkeypatch.setattr(module, "PRESENT", present)
    return released, present


def test_a_version_that_is_too_low_fails_and_says_which_is_not(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([]) == 1
    stated = capsys.readouterr().out
    assert "major  /other: the path is gone\n" in stated
    assert "version 1.4.2 is too low: set info.version to 2.0.0 or more\n" in stated


def test_a_version_that_is_high_enough_passes(files: tuple[Path, Path]) -> None:
    _, present = files
    present.write_text(present.read_text("utf-8").replace("1.4.2", "2.0.0"), "utf-8")
    assert main([]) == 0


def test_a_release_is_what_later_changes_are_counted_from(files: tuple[Path, Path]) -> None:
    released, present = files
    assert main(["--release"]) == 0
    assert released.read_text("utf-8") == present.read_text("utf-8")
    assert main([]) == 0


def test_the_contract_has_the_version_that_its_changes_demand(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status = main([])
    assert status == 0, f"{capsys.readouterr().out}(python -m openapi.changes)"
