"""Reads the error bodies of backends: their message, their status, and what they say is missing.

faults.md rows 55, 76, 81.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

MAX_MESSAGE_LENGTH = 500
"""Characters of a backend's message that a client is shown."""

MISSING_STATUSES = frozenset((404, 405, 501))
"""Not found, method not allowed, not implemented."""

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_SECRET = re.compile(
    r"\b(?:sk|gsk|xai|key|pk|rk|hf)[-_][\w*.-]{6,}|\bBearer\s+\S+|\bAIza[\w-]{10,}"
)
_MARKUP = re.compile(r"^\s*(<!doctype|<html|<head|<body|<\?xml)", re.IGNORECASE)
_NOTHING_NAMED = re.compile(
    r"\W*(?:(?:http|error|404)\W+)*(?:the )?(?:requested )?"
    r"(?:(?:page|file|path|resource|route|endpoint|url|uri) )?(?:was )?not found\W*",
    re.IGNORECASE,
)
_ROUTE = re.compile(
    r"\b(?:unknown|invalid|unexpected|unsupported|no such|no) (?:request )?"
    r"(?:url|uri|path|route|endpoint or method)\b",
    re.IGNORECASE,
)


def failure_text(body: Any) -> str:
    """Returns the message in an error body of any known shape; `""` when there is none.

    Known: ``{"error": text}``, ``{"error": {"message"}}``, ``{"message"}``, ``{"detail"}`` as text
    or as FastAPI's list, ``{"errors": [...]}``, ``{"msg"}``, a list of any of these, or plain text.
    The result is one line without control characters, secrets or markup, at most 500 characters.
    """
    return clean(_find_text(body, 0))


def clean(text: str) -> str:
    """Returns one printable line of at most 500 characters, `""` for markup, keys as ``***``."""
    if _MARKUP.match(text):
        return ""
    text = _SECRET.sub("***", _CONTROL.sub(" ", text[: 8 * MAX_MESSAGE_LENGTH])).strip()
    return text if len(text) <= MAX_MESSAGE_LENGTH else text[: MAX_MESSAGE_LENGTH - 1] + "…"


def _find_text(body: Any, depth: int) -> str:
    if isinstance(body, str):
        return body
    if depth > 5:
        return ""
    if isinstance(body, Mapping):
        for key in ("error", "message", "detail", "msg", "error_message", "errors", "raw"):
            if key in body and (text := _find_text(body[key], depth + 1)):
                return text
        return ""
    if isinstance(body, list):
        return "; ".join(text for item in body[:5] if (text := _find_text(item, depth + 1)))
    return ""


def failure_status(body: Any) -> int | None:
    """Returns the HTTP status in an error body (``code``, ``status``), if it is one of 400-599."""
    error = body.get("error", body) if isinstance(body, Mapping) else None
    for part in (error, body):
        if isinstance(part, Mapping):
            for key in ("code", "status", "status_code"):
                value = part.get(key)
                if isinstance(value, str) and value.isdecimal():
                    value = int(value[:4])
                if isinstance(value, int) and 400 <= value <= 599:
                    return value
    return None


def is_missing_route(status: int, body: Any, endpoint: str, model: str) -> bool:
    """Whether an error says that the backend lacks a route, and not only what was named there.

    `body` is the JSON, the text, or None; `endpoint` the last part of the path. A 404 is also what
    a backend answers that has the route and does not know `model`, or the earlier response that a
    request continues. Such an error is the client's, so a 404 counts only where it names nothing
    but the route, or nothing at all: an empty body, a page, ``Not Found`` (FastAPI: vLLM, SGLang,
    LiteLLM), ``File Not Found`` (llama.cpp), ``404 page not found`` (Go: Ollama), ``Unexpected
    endpoint or method`` (LM Studio), ``Invalid URL (POST /v1/responses)`` (OpenAI), ``Cannot POST
    /v1/messages`` (Express).
    """
    if status not in MISSING_STATUSES or names_model(body, model):
        return False
    text = failure_text(body)
    return (
        status != 404
        or not text
        or bool(_NOTHING_NAMED.fullmatch(text))
        or bool(_ROUTE.search(text))
        or bool(re.search(rf"/{re.escape(endpoint)}\b", text))
    )


def names_model(body: Any, model: str) -> bool:
    """Whether an error is about the model: by OpenAI's `code` or `param`, or by its id."""
    error = body.get("error", body) if isinstance(body, Mapping) else None
    if isinstance(error, Mapping) and (
        error.get("code") == "model_not_found" or error.get("param") == "model"
    ):
        return True
    return bool(re.search(rf"(?<!\w){re.escape(model)}(?!\w)", failure_text(body)))
