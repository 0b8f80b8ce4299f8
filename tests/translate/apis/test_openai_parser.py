"""An OpenAI body as the request to the backend (management.md §4.1, §4.2)."""

from __future__ import annotations

from typing import Any

import pytest

from ollama_facade.translate.apis.openai_parser import chat_completion_request, completion_request
from ollama_facade.translate.dialect_table import dialect
from ollama_facade.translate.models import Model
from ollama_facade.translate.requests import BackendRequest

MODEL = Model("m:latest", "org/m", digest="", modified_at=0)
PIRATE = Model("p:latest", "org/m", system="You are a pirate.", digest="", modified_at=0)
USER = {"role": "user", "content": "a"}


def chat(
    row: str = "default", model: Model = MODEL, think: Any = None, **body: Any
) -> BackendRequest:
    return chat_completion_request({"messages": [USER], **body}, model, dialect(row), think)


@pytest.mark.parametrize(
    ("message", "sent"),
    [
        (
            {"role": None, "content": None, "tool_calls": [], "name": None},
            {"role": "", "content": ""},
        ),
        (
            {"role": "assistant", "content": None, "tool_calls": [{"id": "c"}]},
            {"role": "assistant", "tool_calls": [{"id": "c"}]},
        ),
        ({**USER, "refusal": "no"}, {**USER, "refusal": "no"}),
    ],
)
def test_a_message_goes_on_without_what_is_null(message: Any, sent: Any) -> None:
    assert chat(messages=[message]).body["messages"] == [sent]


@pytest.mark.parametrize("role", ["system", "Developer"])
def test_a_system_text_of_the_request_replaces_that_of_the_model(role: str) -> None:
    own = {"role": role, "content": "b"}
    assert chat(model=PIRATE, messages=[own]).body["messages"] == [own]
    first = chat(model=PIRATE).body["messages"][0]
    assert first == {"role": "system", "content": "You are a pirate."}


def test_what_openai_documents_goes_on_and_nothing_else() -> None:
    request = chat(seed=1, keep_alive=5, user=None)
    assert request.body["seed"] == 1
    assert request.dropped == ("keep_alive",)


def test_openai_itself_is_not_reported_its_own_defaults() -> None:
    assert chat().body["temperature"] == 1.0
    assert "temperature" not in chat("openai").body


def test_counts_are_asked_for_only_in_a_stream() -> None:
    options = {"stream_options": {"include_usage": True}}
    assert chat(stream=True, **options).body["stream_options"] == {"include_usage": True}
    assert "stream_options" not in chat(**options).body


def test_an_effort_goes_on_as_openais_word_to_those_that_have_it() -> None:
    assert chat("openai", think="high", reasoning_effort="high").body["reasoning_effort"] == (
        "high"
    )
    assert "reasoning_effort" not in chat("openai").body


def test_a_completion_cannot_be_reported_a_system_text() -> None:
    request = completion_request({"prompt": "a", "max_tokens": 3}, PIRATE, dialect("default"))
    assert request.body["prompt"] == "a"
    assert request.body["max_tokens"] == 3
    assert "system" in request.dropped
