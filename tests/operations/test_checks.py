from __future__ import annotations

from typing import Any

import pytest

from ollama_facade.errors import OllamaError
from ollama_facade.operations import checks
from ollama_facade.translate.apis import ollama_chat, ollama_generate
from ollama_facade.translate.models import Model


def model(*capabilities: str, known: bool = True) -> Model:
    return Model(
        "m:latest",
        "m",
        capabilities=capabilities,
        capabilities_known=known,
        digest="0" * 64,
        modified_at=0,
    )


@pytest.mark.parametrize("value", (-1, 21))
def test_top_logprobs_has_a_range(value: int) -> None:
    with pytest.raises(OllamaError, match="top_logprobs must be between 0 and 20"):
        ollama_chat.parse({"top_logprobs": value})


@pytest.mark.parametrize(
    ("capabilities", "known", "think", "found"),
    (
        (("completion", "thinking"), True, None, True),
        (("completion", "thinking"), True, False, False),
        (("completion", "thinking"), True, "high", "high"),
        (("completion",), True, None, None),
        (("completion",), True, False, False),
        (("completion",), False, "high", "high"),
        (("completion",), False, None, None),
    ),
)
def test_a_model_that_can_think_does_unless_reported_otherwise(
    capabilities: tuple[str, ...], known: bool, think: Any, found: Any
) -> None:
    assert checks.thinking(model(*capabilities, known=known), "m", think) == found


def test_what_a_model_is_known_not_to_do_is_refused_in_ollamas_words() -> None:
    plain, embedding = model("completion"), model("embedding")
    for check, text in (
        (lambda: checks.thinking(plain, "m", True), '"m" does not support thinking'),
        (lambda: checks.check_completion(embedding, "m", "chat"), '"m" does not support chat'),
        (
            lambda: checks.check_capability(plain, "tools"),
            "registry.ollama.ai/library/m:latest does not support tools",
        ),
        (
            lambda: ollama_generate.check_generate({}, model("completion", "image")),
            "image generation models are not currently supported",
        ),
        (
            lambda: ollama_generate.check_generate({"raw": True, "context": [1]}, plain),
            "raw mode does not support template, system, or context",
        ),
    ):
        with pytest.raises(OllamaError) as caught:
            check()
        assert (caught.value.status, caught.value.message) == (400, text)


def test_nothing_is_refused_because_of_a_default() -> None:
    unknown = model("completion", known=False)
    checks.check_capability(unknown, "tools")
    checks.check_completion(model("embedding", known=False), "m", "chat")


@pytest.mark.parametrize(
    ("capabilities", "text"),
    (
        (("embedding",), '"m" does not support thinking'),
        (("embedding", "thinking"), '"m" does not support chat'),
        (("completion", "thinking"), "does not support tools"),
        (("completion", "thinking", "tools"), "option"),
    ),
)
def test_a_generation_is_checked_in_ollamas_order(capabilities: tuple[str, ...], text: str) -> None:
    options = {"seed": "no number"}
    body = {"model": "m", "think": True, "tools": [{}], "suffix": "x", "options": options}
    with pytest.raises(OllamaError, match=text):
        checks.check_generation(ollama_chat.parse(body), model(*capabilities))


def test_each_verb_looks_at_its_own_field() -> None:
    able = model("completion", "thinking", "insert")
    body = {"model": "m", "tools": [{}], "suffix": "x"}
    assert checks.check_generation(ollama_generate.parse(body), able) is True
    with pytest.raises(OllamaError, match="does not support insert"):
        checks.check_generation(ollama_generate.parse(body), model("completion", "tools"))
