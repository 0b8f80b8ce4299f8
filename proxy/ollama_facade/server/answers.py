"""Answers that need no framework: a status, byte headers and a body, sent in two messages."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.types import Send

from ollama_facade.errors import OllamaError
from ollama_facade.golang.encode import dumps
from ollama_facade.server.envelopes import envelope

Headers = list[tuple[bytes, bytes]]

JSON = (b"content-type", b"application/json; charset=utf-8")
PLAIN = (b"content-type", b"text/plain")
CLOSE = (b"connection", b"close")


async def answer(
    send: Send, status: int, headers: Iterable[tuple[bytes, bytes]] = (), body: bytes = b""
) -> None:
    """Sends one whole answer. A 204 gets no Content-Length, every other status does."""
    head = list(headers)
    if status != 204:
        head.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def error_response(
    send: Send, error: OllamaError, path: str, headers: Iterable[tuple[bytes, bytes]] = ()
) -> None:
    """Sends the error as Ollama does: its status, the envelope of the route at `path`, no newline.

    (management.md §1.4, §4.0; `headers` go out beside the error's own)
    """
    own = [
        (name.lower().encode("latin-1"), value.encode("latin-1", "replace"))
        for name, value in error.headers.items()
    ]
    await answer(send, error.status, [JSON, *own, *headers], error_body(error, path))


def error_body(error: OllamaError, path: str) -> bytes:
    """The body of every answer that is an error, in the envelope of its path."""
    return dumps(envelope(error, path))
