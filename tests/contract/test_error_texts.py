"""The error texts of the document are those that the code gives."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from ollama_facade import contract

PACKAGE = Path(contract.__file__).parents[1]

MIN_LITERAL_LENGTH = 9
"""Characters of a template beside its values; a shorter one would fit too much."""

ELSEWHERE = {
    "you are not currently signed in",  # Ollama's alone: there is no account here
    "input after truncation exceeds maximum context length",  # Ollama's: the backend truncates
    "image input is not supported - {hint}",  # llama.cpp's, passed on
    "uploading files is not supported: {reason}",  # `checks.weights_refused` puts it together
}
"""Texts that are no string of the code, and why."""


def strings_of_the_code() -> set[str]:
    """Every string of the package; an f-string has `{}` where it has a value."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
            elif isinstance(node, ast.JoinedStr):
                parts = [getattr(part, "value", "") for part in node.values]
                found.add("".join(part if isinstance(part, str) else "{}" for part in parts))
    return {text for text in found if len(text.replace("{}", "")) >= MIN_LITERAL_LENGTH}


def pattern(text: str) -> re.Pattern[str]:
    """What fits a text of which `{…}` is any text."""
    return re.compile(".*".join(map(re.escape, re.split(r"\{[^{}]*\}", text))), re.DOTALL)


STRINGS = strings_of_the_code()
PATTERNS = [pattern(text) for text in sorted(STRINGS)]
LISTED = sorted(
    {
        error["error"]
        for operation in contract.operations()
        for error in operation.definition.get("x-ollama-errors", ())
    }
    - ELSEWHERE
)


def is_given(text: str) -> bool:
    listed = pattern(text)
    return (
        any(one.fullmatch(text) for one in PATTERNS)
        or any(listed.fullmatch(string) for string in STRINGS)
        or any(text.startswith(start) and text[len(start) :] in STRINGS for start in STRINGS)
    )


@pytest.mark.parametrize("text", LISTED)
def test_a_listed_error_is_a_text_of_the_code(text: str) -> None:
    assert is_given(text)


def test_a_text_that_the_code_does_not_have_is_noticed() -> None:
    assert not is_given("model '{name}' is on holiday")
