"""An error as the clients of a route read it (management.md §4.0)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ollama_facade.errors import OllamaError
from ollama_facade.server.envelopes import envelope


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, "invalid_request_error"), (404, "not_found_error"), (429, "api_error")],
)
def test_openais_clients_get_openais_envelope(status: int, kind: str) -> None:
    told = envelope(OllamaError(status, "x"), "/v1/responses")
    assert told == {"error": {"message": "x", "type": kind, "param": None, "code": None}}


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
    told: dict[str, Any] = envelope(OllamaError(status, "x"), "/v1/messages")
    assert re.fullmatch("req_[0-9a-f]{24}", told.pop("request_id"))
    assert told == {"type": "error", "error": {"type": kind, "message": "x"}}


@pytest.mark.parametrize("path", ["/api/chat", "/v1/messages", "/v1/chat/completions"])
def test_a_cloud_that_is_off_is_told_in_ollamas_words(path: str) -> None:
    text = "ollama cloud is disabled: remote model is unavailable"
    assert envelope(OllamaError(403, text), path) == {"error": text}
