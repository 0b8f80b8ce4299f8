"""Reads the body of a request under a limit and a deadline (faults.md rows 6, 7, 22, 29)."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from starlette.types import Receive

from ollama_facade.backend.patience import Patience
from ollama_facade.config.settings import Settings
from ollama_facade.errors import OllamaError
from ollama_facade.golang.scanner import holds_more_than
from ollama_facade.server.request_head import RequestHead
from ollama_facade.server.zstd import decompressed, is_compressed

FEWEST = 10_000
"""Objects and lists that every body may have."""


async def whole_body(receive: Receive, visit: RequestHead, settings: Settings) -> bytes | None:
    """The body as the client meant it, or None when it left before the end.

    Raises OllamaError as `read_body` and `decompressed` do.
    """
    body = await read_body(
        receive,
        declared=visit.declared,
        limit=settings.max_body,
        patience=nullcontext() if visit.arrived else Patience(settings.body_timeout),
    )
    if not body or not is_compressed(visit.path, visit.encoding):
        return body
    # What a small body becomes is held to the same limits.
    return _checked(decompressed(body, settings.max_body), settings.max_body)


async def read_body(
    receive: Receive, *, declared: int | None, limit: int, patience: AbstractContextManager[object]
) -> bytes | None:
    """The whole body, or None when the client left before its end.

    `declared` is the Content-Length, None for a chunked body; what is too long by its own word
    is not read at all. Raises OllamaError: 413 beyond `limit` bytes or one object or list for each
    64 of them, 408 when `patience` ends.
    """
    if declared is not None and declared > limit:
        raise _too_large()
    parts: list[bytes] = []
    size = 0
    try:
        with patience:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return None
                part = message.get("body", b"")
                size += len(part)
                if size > limit:
                    raise _too_large()
                parts.append(part)
                if not message.get("more_body", False):
                    return _checked(parts[0] if len(parts) == 1 else b"".join(parts), limit)
    except TimeoutError:
        raise OllamaError(408, "request body timed out") from None


def _checked(body: bytes, limit: int) -> bytes:
    """The body, unless it is made of objects and lists for the most part.

    Each of them takes hundreds of bytes of memory, and so a body of nothing else takes a hundred
    times its own length.
    """
    most = max(FEWEST, limit // 64)
    if len(body) > most and holds_more_than(most, body):
        raise OllamaError(413, "request body has too many values")
    return body


def _too_large() -> OllamaError:
    return OllamaError(413, "request body too large")
