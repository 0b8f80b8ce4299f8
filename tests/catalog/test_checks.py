from typing import Any

import pytest

from ollama_facade.catalog import checks
from ollama_facade.errors import OllamaError


@pytest.mark.parametrize(
    ("info", "text"),
    (
        ({"context_length": 1.5}, 'info field "context_length" must be a non-negative integer'),
        ({"context_length": -1}, 'info field "context_length" must be a non-negative integer'),
        (
            {"embedding_length": float("inf")},
            'info field "embedding_length" must be a non-negative integer',
        ),
        ({"context_length": "8"}, 'info field "context_length" must be a number'),
        ({"context_length": True}, 'info field "context_length" must be a number'),
        ({"model_family": 5}, 'info field "model_family" must be a string'),
        ({"capabilities": "tools"}, 'info field "capabilities" must be a list of strings'),
        ({"capabilities": [1]}, 'info field "capabilities" must be a list of strings'),
    ),
)
def test_a_field_of_info_of_a_wrong_type_is_named(info: dict[str, Any], text: str) -> None:
    with pytest.raises(OllamaError) as raised:
        checks.check_info(info)
    assert (raised.value.status, raised.value.message) == (400, text)


@pytest.mark.parametrize(
    "info",
    (
        None,
        {},
        {"context_length": 8.0},
        {"context_length": None},
        {"unknown": [1]},
        {"capabilities": []},
    ),
)
def test_other_info_is_taken(info: dict[str, Any] | None) -> None:
    checks.check_info(info)


@pytest.mark.parametrize(
    ("template", "line"),
    (
        ("{{ .Prompt", 1),
        ("{{ .A }}\n{{ .B", 2),
        ('{{ "}}" ', 1),
        ("{{" * 20_000, 1),
    ),
)
def test_an_action_without_an_end_is_refused(template: str, line: int) -> None:
    with pytest.raises(OllamaError) as raised:
        checks.check_template(template)
    assert raised.value.message == f"template error: template: :{line}: unclosed action"


@pytest.mark.parametrize(
    "template", (None, "", "}}", "{{ .A }}{{- `}}` -}}", '{{ "\\"}}" }}', "{{/* }} */}}")
)
def test_other_templates_are_taken(template: str | None) -> None:
    checks.check_template(template)


@pytest.mark.parametrize(
    ("license", "given"),
    (
        (5, "number into Go value of type []string"),
        (True, "bool into Go value of type []string"),
        ({}, "object into Go value of type []string"),
        ([5], "number into Go value of type string"),
        (["a", []], "array into Go value of type string"),
    ),
)
def test_a_license_is_a_text_or_texts(license: Any, given: str) -> None:
    with pytest.raises(OllamaError) as raised:
        checks.check_license(license)
    assert (raised.value.status, raised.value.message) == (500, f"json: cannot unmarshal {given}")


@pytest.mark.parametrize(
    ("body", "status"),
    (
        ({"files": {"x.txt": "sha256:0"}}, 400),
        ({"files": {"x.gguf": "sha256:0"}}, 501),
        ({"from": "gen", "adapters": {"a.gguf": "sha256:0"}}, 501),
        ({"from": "gen", "quantize": "Q4_K_M"}, 501),
        ({"from": "gen", "quantization": "Q4_K_M"}, 501),
        ({"from": "gen", "draft_files": {"a": "b"}}, 501),
    ),
)
def test_what_needs_weights_is_refused_with_the_reason(body: dict[str, Any], status: int) -> None:
    with pytest.raises(OllamaError) as raised:
        checks.check_weights(body)
    assert raised.value.status == status
    if status == 501:
        assert "belong to the backend" in raised.value.message
