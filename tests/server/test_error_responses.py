"""An error as the clients of a route read it (management.md §4.0)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ollama_facade.contract import ErrorForm
from ollama_facade.errors import OllamaError
from ollama_facade.server.error_responses import error_object, error_response


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, "invalid_request_error"), (404, "not_found_error"), (429, "api_error")],
)
def test_openais_clients_get_openais_envelope(status: int, kind: str) -> None:
    body = error_object(OllamaError(status, "x"), "openai")
    assert body == {"error": {"message": "x", "type": kind, "param": None, "code": None}}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, "authentication_error"),
        (429, "rate_limit_error"),
        (529, "overloaded_error"),
        (500, "api_error"),
    ],
)
def test_anthropics_clients_get_anthropics_envelope(status: int, kind: str) -> None:
    body: dict[str, Any] = error_object(OllamaError(status, "x"), "anthropic")
    assert re.fullmatch("req_[0-9a-f]{24}", body.pop("request_id"))
    assert body == {"type": "error", "error": {"type": kind, "message": "x"}}


@pytest.mark.parametrize("form", ["ollama", "anthropic", "openai"])
def test_a_cloud_that_is_off_is_body_in_ollamas_words(form: ErrorForm) -> None:
    text = "ollama cloud is disabled: remote model is unavailable"
    assert error_object(OllamaError(403, text), form) == {"error": text}


def test_an_error_is_a_status_with_ollamas_body_and_its_own_headers() -> None:
    error = OllamaError(429, "slow <down>", headers={"Retry-After": "7"}, fields={"more": 1})
    response = error_response(error, "ollama", {"Facade-Dropped": "top_k"})
    assert response.status_code == 429
    assert response.body == b'{"error":"slow \\u003cdown\\u003e","more":1}'
    assert response.headers["retry-after"] == "7"
    assert response.headers["facade-dropped"] == "top_k"
    assert response.headers["content-type"] == "application/json; charset=utf-8"
