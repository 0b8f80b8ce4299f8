"""What is made from the contract is fresh, and follows it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ollama_facade import contract
from openapi import generate

DOCUMENT = contract.document()
Change = Callable[[dict[str, Any]], None]


def test_everything_that_is_made_is_fresh() -> None:
    stale = generate.stale(DOCUMENT)
    shown = "\n".join(generate.difference(name, text) for name, text in stale.items())
    assert not stale, f"{', '.join(stale)}: run `make generate`\n{shown}"


def describe_a_schema(document: dict[str, Any]) -> None:
    document["components"]["schemas"]["ChatRequest"]["description"] = "Other words."


def describe_a_field(document: dict[str, Any]) -> None:
    fields = document["components"]["schemas"]["ChatRequest"]["properties"]
    fields["messages"]["description"] = "Other words."


def describe_an_operation(document: dict[str, Any]) -> None:
    document["paths"]["/api/chat"]["post"]["description"] = "Other words."


def sum_an_operation_up(document: dict[str, Any]) -> None:
    document["paths"]["/api/chat"]["post"]["summary"] = "Other words"


@pytest.mark.parametrize(
    ("change", "files"),
    [
        (describe_a_schema, {"openapi/reference.md"}),
        (describe_a_field, {"openapi/reference.md"}),
        (describe_an_operation, {"openapi/reference.md"}),
        (sum_an_operation_up, {"openapi/reference.md", "README.md"}),
    ],
)
def test_other_words_in_the_contract_change_the_words_made_from_it_and_nothing_else(
    change: Change, files: set[str]
) -> None:
    document = copy.deepcopy(DOCUMENT)
    change(document)
    stale = generate.stale(document)
    assert set(stale) == files
    for name, text in stale.items():
        assert "Other words" in text
        difference = generate.difference(name, text)
        assert difference.startswith(f"--- {name}\n+++ {name}, as `make generate` makes it\n")


def test_the_check_fails_and_says_what_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    document = copy.deepcopy(DOCUMENT)
    describe_an_operation(document)
    changed = tmp_path / "ollama.yaml"
    changed.write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")
    monkeypatch.setattr(generate, "DOCUMENT", changed)
    before = (generate.ROOT / "openapi" / "reference.md").read_bytes()
    assert generate.main(["--check"]) == 1
    output = capsys.readouterr().out
    assert "+Other words." in output
    assert output.endswith("stale: openapi/reference.md. Run `make generate`.\n")
    assert (generate.ROOT / "openapi" / "reference.md").read_bytes() == before


def test_a_readme_without_its_marks_is_refused(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# Nothing\n", "utf-8")
    with pytest.raises(ValueError, match="does not hold"):
        generate.readme(DOCUMENT, tmp_path)
