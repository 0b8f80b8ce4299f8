"""An error as a route's clients read it: Ollama's, OpenAI's, Anthropic's (management §4.0)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from ollama_facade.errors import OllamaError
from ollama_facade.server.zstd import FAILED, TOO_LARGE

_ANTHROPIC_ROUTE = "/v1/messages"
_BEFORE_TRANSLATORS = ("ollama cloud is disabled: ", FAILED, TOO_LARGE)

_OPENAI_TYPES: Mapping[int, str] = {400: "invalid_request_error", 404: "not_found_error"}
_ANTHROPIC_TYPES: Mapping[int, str] = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    503: "overloaded_error",
    529: "overloaded_error",
}


def envelope(error: OllamaError, path: str) -> dict[str, Any]:
    """The body of the answer that tells of `error` on the route at `path`.

    A switched-off cloud, and a body that cannot be decompressed, are told in Ollama's shape
    everywhere, because Ollama looks for them before any translator does (golden
    cloud/disabled-v1-chat, cloud/disabled-v1-messages; management §1.9).
    """
    if not path.startswith("/v1/") or error.message.startswith(_BEFORE_TRANSLATORS):
        return {"error": error.message, **error.fields}
    if path == _ANTHROPIC_ROUTE:
        kind = _ANTHROPIC_TYPES.get(error.status, "api_error")
        return {
            "type": "error",
            "error": {"type": kind, "message": error.message},
            "request_id": f"req_{secrets.token_hex(12)}",
        }
    kind = _OPENAI_TYPES.get(error.status, "api_error")
    return {"error": {"message": error.message, "type": kind, "param": None, "code": None}}
