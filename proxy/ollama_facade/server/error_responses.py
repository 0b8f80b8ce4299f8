"""Error responses in the form that a route's clients read: Ollama's, OpenAI's or Anthropic's.

(management.md §1.4, §4.0)
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from typing import Any

import structlog
from starlette.responses import Response
from starlette.types import Send

from ollama_facade.contract import ErrorForm
from ollama_facade.errors import OllamaError
from ollama_facade.golang.encode import dumps

Headers = list[tuple[bytes, bytes]]

MEDIA_TYPE = "application/json; charset=utf-8"
JSON = (b"content-type", MEDIA_TYPE.encode())
PLAIN = (b"content-type", b"text/plain")
CLOSE = (b"connection", b"close")

INTERNAL_ERROR = "internal server error"
DECOMPRESSION_FAILED = "failed to decompress request body"
DECOMPRESSED_TOO_LARGE = "http: request body too large"

_ALWAYS_OLLAMAS = ("ollama cloud is disabled: ", DECOMPRESSION_FAILED, DECOMPRESSED_TOO_LARGE)
"""Errors that Ollama finds before the translator of any other API runs (golden
cloud/disabled-v1-chat, cloud/disabled-v1-messages; management.md §1.9)."""

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

_log = structlog.get_logger(__name__)


def error_object(error: OllamaError, form: ErrorForm) -> dict[str, Any]:
    """Returns the body of the response that reports `error`."""
    if form == "ollama" or error.message.startswith(_ALWAYS_OLLAMAS):
        return {"error": error.message, **error.fields}
    if form == "anthropic":
        kind = _ANTHROPIC_TYPES.get(error.status, "api_error")
        return {
            "type": "error",
            "error": {"type": kind, "message": error.message},
            "request_id": f"req_{secrets.token_hex(12)}",
        }
    kind = _OPENAI_TYPES.get(error.status, "api_error")
    return {"error": {"message": error.message, "type": kind, "param": None, "code": None}}


def error_response(
    error: OllamaError,
    form: ErrorForm,
    headers: Mapping[str, str] | None = None,
    media_type: str = MEDIA_TYPE,
) -> Response:
    """Returns the response that reports `error`; `headers` go out beside the error's own."""
    body = dumps(error_object(error, form))
    return Response(body, error.status, {**(headers or {}), **error.headers}, media_type)


def as_ollama_error(error: Exception) -> OllamaError:
    """Returns the error that the client sees; logs any exception that is a bug."""
    if isinstance(error, OllamaError):
        return error
    _log.error("request failed", exc_info=error)
    return OllamaError(500, INTERNAL_ERROR)


async def send_response(
    send: Send, status: int, headers: Iterable[tuple[bytes, bytes]] = (), body: bytes = b""
) -> None:
    """Sends a whole response. A 204 has no Content-Length, every other status has one."""
    head = list(headers)
    if status != 204:
        head.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def send_error(send: Send, error: OllamaError, form: ErrorForm = "ollama") -> None:
    """Sends the response that reports `error`."""
    own = [
        (name.lower().encode("latin-1"), value.encode("latin-1", "replace"))
        for name, value in error.headers.items()
    ]
    await send_response(send, error.status, [JSON, *own], dumps(error_object(error, form)))
