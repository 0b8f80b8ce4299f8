"""The answer of show beyond the recordings (tests/operations)."""

from __future__ import annotations

from typing import Any

from ollama_facade.translate.models import Model
from ollama_facade.translate.show import show_answer


def _model(**facts: Any) -> Model:
    return Model("gpt-4o:latest", "gpt-4o", digest="0" * 64, modified_at=0, **facts)


def test_a_model_without_facts_has_the_fields_that_clients_need() -> None:
    answer = show_answer(_model())

    assert answer["model_info"] == {"general.architecture": "unknown"}
    assert answer["capabilities"] == ["completion"]
    assert answer["template"] == "{{ .Prompt }}"
    assert answer["details"]["families"] is None
    assert list(answer) == [
        "modelfile",
        "template",
        "details",
        "model_info",
        "capabilities",
        "modified_at",
    ]


def test_options_of_the_request_show_in_the_modelfile_only() -> None:
    answer = show_answer(
        _model(parameters={"temperature": 0.5}), options={"temperature": 1, "seed": 7}
    )
    assert answer["parameters"] == "temperature                    0.5"
    assert "PARAMETER seed 7\nPARAMETER temperature 1\n" in answer["modelfile"]


def test_messages_show_their_role_and_content_only() -> None:
    answer = show_answer(_model(messages=({"role": "user", "content": "Hi", "images": ["x"]},)))
    assert answer["messages"] == [{"role": "user", "content": "Hi"}]


def test_licenses_are_joined() -> None:
    assert show_answer(_model(license=("A", "B")))["license"] == "A\nB"
