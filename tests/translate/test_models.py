"""The entries of tags and ps, and the facts of show, of models that tell much or nothing."""

from __future__ import annotations

from typing import Any

import pytest

from ollama_facade.translate.models import Model, human_number, model_info, ps_entry, tags_entry

NOON = 1_763_985_600_500_000_000


def _model(**facts: Any) -> Model:
    return Model("a:latest", "a", digest="0" * 64, modified_at=NOON, **facts)


def test_a_model_without_facts_has_all_required_fields() -> None:
    assert tags_entry(_model()) == {
        "name": "a:latest",
        "model": "a:latest",
        "modified_at": "2025-11-24T12:00:00.5Z",
        "size": 0,
        "digest": "0" * 64,
        "details": {
            "parent_model": "",
            "format": "",
            "family": "",
            "families": None,
            "parameter_size": "",
            "quantization_level": "",
        },
        "capabilities": ["completion"],
    }


def test_lengths_stand_in_the_details_of_tags_and_of_nothing_else() -> None:
    model = _model(context_length=512, embedding_length=8, family="bert")
    assert tags_entry(model)["details"]["context_length"] == 512
    assert tags_entry(model)["details"]["embedding_length"] == 8
    shown = ps_entry(model, expires_at=NOON, context_length=256)
    assert "context_length" not in shown["details"]
    assert shown["context_length"] == 256


def test_ps_never_names_a_parent() -> None:
    model = _model(parent_model="gen:latest")
    assert ps_entry(model, expires_at=0, context_length=0)["details"]["parent_model"] == ""
    assert tags_entry(model)["details"]["parent_model"] == "gen:latest"


def test_no_capabilities_are_left_out_rather_than_empty() -> None:
    assert "capabilities" not in tags_entry(_model(capabilities=()))


def test_facts_have_the_architecture_as_a_prefix() -> None:
    assert model_info(_model(context_length=8192)) == {
        "general.architecture": "unknown",
        "unknown.context_length": 8192,
    }
    full = _model(family="llama", context_length=1, embedding_length=2, parameter_count=3)
    assert list(model_info(full, basename="as asked").items()) == [
        ("general.architecture", "llama"),
        ("general.basename", "as asked"),
        ("general.parameter_count", 3),
        ("llama.context_length", 1),
        ("llama.embedding_length", 2),
    ]


def test_a_parameter_size_is_given_or_counted() -> None:
    assert tags_entry(_model(parameter_count=134_515_008))["details"]["parameter_size"] == "134.52M"
    sized = _model(parameter_count=134_515_008, parameter_size="135M")
    assert tags_entry(sized)["details"]["parameter_size"] == "135M"


@pytest.mark.parametrize(
    ("count", "text"),
    (
        (0, ""),
        (-1, ""),
        (128, "128"),
        (1_000, "1K"),
        (22_500, "22K"),
        (137_000_000, "137M"),
        (494_032_768, "494.03M"),
        (8_000_000_000, "8B"),
        (8_030_261_312, "8.0B"),
        (1_000_000_000_000, "1000B"),
    ),
)
def test_a_count_of_parameters_is_written_as_ollama_writes_it(count: int, text: str) -> None:
    assert human_number(count) == text
