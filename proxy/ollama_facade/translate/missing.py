"""Whether an error says that the backend has no such route, or only that it lacks what was named.

Beside the statuses it is the text that tells: a 404 is also what a backend answers that has the
route and does not know the model, or the earlier response that a request goes on from. Such an
error is the client's to hear, so a 404 counts only where it names nothing but the route, or nothing
at all: an empty body, a page, ``Not Found`` (FastAPI: vLLM, SGLang, LiteLLM), ``File Not Found``
(llama.cpp), ``404 page not found`` (Go: Ollama), ``Unexpected endpoint or method`` (LM Studio),
``Invalid URL (POST /v1/responses)`` (OpenAI), ``Cannot POST /v1/messages`` (Express).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ollama_facade.translate.failures import failure_text

STATUSES = frozenset((404, 405, 501))
"""Not found, method not allowed, not implemented."""

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


def is_missing_route(status: int, body: Any, endpoint: str, model: str) -> bool:
    """True when an error with this status and body (its JSON, its text, or None) means the route.

    `endpoint` is the last part of the path, `model` the id that was asked for: whatever names the
    model means the model.
    """
    if status not in STATUSES or names_model(body, model):
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
    """True when an error is about the model: by OpenAI's `code` or `param`, or by its id."""
    error = body.get("error", body) if isinstance(body, Mapping) else None
    if isinstance(error, Mapping) and (
        error.get("code") == "model_not_found" or error.get("param") == "model"
    ):
        return True
    return bool(re.search(rf"(?<!\w){re.escape(model)}(?!\w)", failure_text(body)))
