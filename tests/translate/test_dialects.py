"""The table of dialects, and what each does with `think`."""

from __future__ import annotations

from typing import Any

import pytest

from ollama_facade.translate.chunks import parse_chunk
from ollama_facade.translate.dialect_table import DIALECTS, dialect
from ollama_facade.translate.dialects import ollama_name, think_parameters
from ollama_facade.translate.options import table


@pytest.mark.parametrize("name", DIALECTS)
def test_every_row_has_its_name_and_a_source(name: str) -> None:
    assert dialect(name).name == name
    assert dialect(name).source


@pytest.mark.parametrize("name", DIALECTS)
def test_a_row_maps_options_that_ollama_has(name: str) -> None:
    assert set(dialect(name).parameters) <= set(table())
    assert "num_predict" not in dialect(name).parameters


def test_the_default_row_has_nothing_that_openai_has_not() -> None:
    row = dialect("default")
    assert set(row.parameters.values()) == {
        "temperature",
        "top_p",
        "seed",
        "stop",
        "presence_penalty",
        "frequency_penalty",
    }
    assert row.thinking == "none"


@pytest.mark.parametrize(
    ("name", "think", "parameters"),
    [
        ("default", True, {}),
        ("default", False, {}),
        ("llamacpp", True, {"chat_template_kwargs": {"enable_thinking": True}}),
        ("llamacpp", False, {"chat_template_kwargs": {"enable_thinking": False}}),
        (
            "llamacpp",
            "high",
            {"chat_template_kwargs": {"enable_thinking": True, "reasoning_effort": "high"}},
        ),
        ("vllm", False, {"chat_template_kwargs": {"enable_thinking": False, "thinking": False}}),
        ("openai", True, {"reasoning_effort": "medium"}),
        ("openai", "low", {"reasoning_effort": "low"}),
        ("openai", "max", {"reasoning_effort": "high"}),
        ("openai", False, {"reasoning_effort": "none"}),
        ("ollama", "max", {"reasoning_effort": "max"}),
        ("openrouter", True, {"reasoning": {"enabled": True}}),
        ("openrouter", False, {"reasoning": {"effort": "none"}}),
        ("openrouter", "max", {"reasoning": {"effort": "xhigh"}}),
        ("azure", "max", {"reasoning_effort": "high"}),
        ("sglang", True, {"chat_template_kwargs": {"enable_thinking": True, "thinking": True}}),
        ("lmstudio", True, {}),
        ("litellm", "low", {"reasoning_effort": "low"}),
        ("mistral", True, {}),
        ("groq", False, {"reasoning_effort": "none"}),
        ("together", True, {"reasoning": {"enabled": True}}),
        ("together", False, {"reasoning": {"enabled": False}}),
        ("together", "max", {"reasoning_effort": "high"}),
        ("gemini", False, {"reasoning_effort": "none"}),
        ("deepseek", False, {"thinking": {"type": "disabled"}}),
        ("deepseek", "low", {"thinking": {"type": "enabled"}, "reasoning_effort": "low"}),
    ],
)
def test_thinking_is_switched_as_the_backend_wants(
    name: str, think: bool | str, parameters: dict[str, Any]
) -> None:
    assert think_parameters(dialect(name), think) == parameters


FAMILIES = (
    "openai",
    "azure",
    "vllm",
    "sglang",
    "llamacpp",
    "lmstudio",
    "openrouter",
    "litellm",
    "deepseek",
    "mistral",
    "groq",
    "together",
    "gemini",
    "ollama",
)


def test_every_family_that_is_promised_has_a_row() -> None:
    assert {*FAMILIES, "default"} == set(DIALECTS)


@pytest.mark.parametrize("name", DIALECTS)
def test_thoughts_are_read_where_a_row_says_that_they_come(name: str) -> None:
    if key := dialect(name).reasoning:
        delta = parse_chunk({"choices": [{"index": 0, "delta": {key: "hm"}}]})
        assert delta is not None
        assert delta.thinking == "hm"


@pytest.mark.parametrize("name", DIALECTS)
def test_every_parameter_of_a_row_has_a_name_of_ollamas(name: str) -> None:
    row = dialect(name)
    assert {ollama_name(sent): sent for sent in row.parameters.values()} == dict(row.parameters)
    for think in (True, False, "high"):
        assert {ollama_name(sent) for sent in think_parameters(row, think)} <= {"think"}
