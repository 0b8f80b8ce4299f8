"""What the error bodies of backends say."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from ollama_facade.translate.failures import (
    MAX_MESSAGE_LENGTH,
    MISSING_STATUSES,
    failure_status,
    failure_text,
    is_missing_route,
)
from tests.translate.test_chunks import JSON


@pytest.mark.parametrize(
    ("body", "text"),
    (
        ({"error": "x"}, "x"),
        ({"error": {"message": "x", "type": "t"}}, "x"),
        ({"message": "x"}, "x"),
        ({"detail": "x"}, "x"),
        ({"detail": [{"loc": ["body"], "msg": "none"}, {"msg": "too big"}]}, "none; too big"),
        ([{"error": {"message": "x"}}], "x"),
        ({"object": "error", "message": "x", "code": 400}, "x"),
        ("plain text", "plain text"),
        ("<!DOCTYPE html><html>no</html>", ""),
        ("  <html>", ""),
        ({"error": "a\r\nb\x1b[31mc\x00"}, "a b c"),
        ({"error": "key sk-abcdef123456 refused"}, "key *** refused"),
        (5, ""),
        (None, ""),
    ),
)  # fmt: skip
def test_the_message_is_found_in_every_known_shape(body: Any, text: str) -> None:
    assert failure_text(body) == text


@given(JSON)
def test_any_body_gives_one_short_printable_line(body: Any) -> None:
    text = failure_text(body)
    assert len(text) <= MAX_MESSAGE_LENGTH
    assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 for c in text)
    status = failure_status(body)
    assert status is None or 400 <= status <= 599


def test_a_long_message_is_cut() -> None:
    assert len(failure_text("x" * 10_000)) == MAX_MESSAGE_LENGTH


MISSING: dict[str, tuple[int, Any]] = {
    "nothing said": (404, ""),
    "a page": (404, "<!DOCTYPE html><html>404</html>"),
    "FastAPI: vLLM, SGLang, LiteLLM": (404, {"detail": "Not Found"}),
    "llama.cpp": (
        404,
        {"message": "File Not Found", "type": "not_found_error", "code": 404},
    ),
    "Go: Ollama": (404, "404 page not found"),
    "LM Studio": (404, "Unexpected endpoint or method. (POST /v1/messages)"),
    "OpenAI": (
        404,
        {"message": "Invalid URL (POST /v1/messages)", "type": "invalid_request_error"},
    ),
    "Groq": (
        404,
        {"message": "Unknown request URL: POST /openai/v1/messages. Please check the URL"},
    ),
    "Express": (404, "Cannot POST /v1/messages"),
    "Kong": (404, {"message": "no Route matched with those values"}),
    "Azure": (404, {"code": "404", "message": "Resource not found"}),
    "Spring": (404, "Not Found"),
    "another method": (405, {"detail": "Method Not Allowed"}),
    "not implemented": (501, {"message": "The model does not support Messages API"}),
}
NOT_MISSING: dict[str, tuple[int, Any]] = {
    "OpenAI's model": (
        404,
        {
            "message": "The model `org/m-1` does not exist or you do not have access to it.",
            "code": "model_not_found",
        },
    ),
    "a code alone": (404, {"message": "Not found", "code": "model_not_found"}),
    "a parameter alone": (404, {"message": "Not found", "param": "model"}),
    "vLLM's model": (
        404,
        {"message": "The model `org/m-1` does not exist.", "type": "NotFoundError", "code": 404},
    ),
    "Ollama's model": (404, {"message": "model 'org/m-1' not found"}),
    "Anthropic's model": (404, {"type": "not_found_error", "message": "model: org/m-1"}),
    "the model, in words of a route": (404, "org/m-1 is not supported in /v1/messages"),
    "the model, not implemented": (501, "org/m-1 cannot do this"),
    "an earlier response": (404, {"message": "Response with id 'resp_1' not found."}),
    "a file": (404, {"message": "No such File object: file-1"}),
    "OpenRouter's providers": (404, {"message": "No endpoints found that support tool use"}),
    "another status": (400, {"detail": "Not Found"}),
    "a failure": (500, ""),
}


@pytest.mark.parametrize("status_and_body", MISSING.values(), ids=MISSING)
def test_a_route_is_missing(status_and_body: tuple[int, Any]) -> None:
    assert is_missing_route(*status_and_body, "messages", "org/m-1")


@pytest.mark.parametrize("status_and_body", NOT_MISSING.values(), ids=NOT_MISSING)
def test_what_was_named_is_missing(status_and_body: tuple[int, Any]) -> None:
    assert not is_missing_route(*status_and_body, "messages", "org/m-1")


def test_letters_of_a_word_are_no_name_of_a_model() -> None:
    assert is_missing_route(404, "Not Found", "messages", "o")


@given(JSON)
def test_any_body_names_a_route_or_does_not(body: Any) -> None:
    for status in MISSING_STATUSES:
        assert is_missing_route(status, body, "messages", "m") in (True, False)
