"""The body of a request: read under a limit and a deadline, decompressed where Ollama does that.

(faults.md rows 6, 7, 22, 23 and 29; management.md §1.9.) Codex sends bodies in zstd. Nothing else
is decompressed: a body in gzip is read as it came, and is no JSON.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ollama_facade.errors import OllamaError
from ollama_facade.golang.scanner import holds_more_than
from ollama_facade.server.error_responses import (
    DECOMPRESSED_TOO_LARGE,
    DECOMPRESSION_FAILED,
    send_error,
)
from ollama_facade.server.request_head import RequestHead
from ollama_facade.server.request_state import RequestState

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MIN_VALUES_LIMIT = 10_000
"""Objects and lists that every body may have."""

MAX_DECOMPRESSED_BYTES = 20 * 1024 * 1024
"""Bytes of a body once it is decompressed: Ollama's own limit."""

_WINDOW: Mapping[int, int] = {zstd.DecompressionParameter.window_log_max: 23}
"""8 MiB, as Ollama's."""

_REPLACED = frozenset(
    (b"content-encoding", b"content-length", b"content-type", b"expect", b"transfer-encoding")
)
_CONTENT_TYPES = {
    "json": (b"content-type", b"application/json"),
    "form": (b"content-type", b"application/octet-stream"),
    "unread": (b"content-type", b"application/octet-stream"),
}


class BodyMiddleware:
    """Reads the whole body into `RequestState.body`, unless its operation leaves it unread.

    The application sees a body of a known length, JSON unless the contract says something else,
    whatever the client called it. `limit` is in bytes, `timeout` in seconds.
    """

    def __init__(self, app: ASGIApp, limit: int, timeout: float) -> None:
        self.app = app
        self._limit = limit
        self._timeout = timeout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers or passes on one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        state = RequestState.of(scope)
        head, form = state.head, state.operation.body if state.operation else "json"
        try:
            if head.is_ambiguous:
                raise OllamaError(400, "request has both Content-Length and Transfer-Encoding")
            if head.unread_bytes and form == "unread":
                state.is_body_unread = True
                state.close_connection()
            elif head.unread_bytes:
                body = await self._read(state, receive)
                if body is None:
                    state.record.outcome = "client_gone"
                    return
                state.body = body
                receive = _replay(body, receive)
        except OllamaError as error:
            state.close_connection()
            await send_error(send, error, state.error_form)
            return
        headers = [pair for pair in scope["headers"] if pair[0] not in _REPLACED]
        if head.method not in ("GET", "HEAD"):
            headers += (_CONTENT_TYPES[form], (b"content-length", b"%d" % len(state.body)))
        await self.app({**scope, "headers": headers}, receive, send)

    async def _read(self, state: RequestState, receive: Receive) -> bytes | None:
        head: RequestHead = state.head
        body = await read_body(
            receive,
            declared=head.declared,
            limit=self._limit,
            seconds=None if head.arrived else self._timeout,
        )
        compression = state.operation.compression if state.operation else ""
        if not body or not compression or head.encoding.lower() != compression.encode():
            return body
        # The same limits hold for what a small body becomes.
        return _check_values(decompress(body, self._limit), self._limit)


async def read_body(
    receive: Receive, *, declared: int | None, limit: int, seconds: float | None
) -> bytes | None:
    """Returns the whole body, or None when the client left before its end.

    `declared` is the Content-Length, None for a chunked body; what declares too much is not read at
    all. Raises OllamaError: 413 beyond `limit` bytes or one object or list for each 64 of them, 408
    after `seconds`.
    """
    if declared is not None and declared > limit:
        raise _too_large()
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(seconds):
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
                    return _check_values(parts[0] if len(parts) == 1 else b"".join(parts), limit)
    except TimeoutError:
        raise OllamaError(408, "request body timed out") from None


def decompress(body: bytes, limit: int = MAX_DECOMPRESSED_BYTES) -> bytes:
    """Returns the decompressed body. Raises OllamaError(400) for bad data and for too much of it.

    Nothing beyond the limit (the lower of `limit` and Ollama's) is ever made, however much a small
    body would become.
    """
    parts: list[bytes] = []
    room = min(limit, MAX_DECOMPRESSED_BYTES)
    try:
        while body:
            frame = zstd.ZstdDecompressor(options=_WINDOW)
            part = frame.decompress(body, max_length=room + 1)
            if len(part) > room:
                raise OllamaError(400, DECOMPRESSED_TOO_LARGE)
            if not frame.eof:
                raise OllamaError(400, DECOMPRESSION_FAILED)
            parts.append(part)
            room -= len(part)
            body = frame.unused_data
    except zstd.ZstdError:
        raise OllamaError(400, DECOMPRESSION_FAILED) from None
    return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Returns a `receive` that gives the whole body first."""
    message: Message | None = {"type": "http.request", "body": body, "more_body": False}

    async def replay() -> Message:
        nonlocal message
        first, message = message, None
        return first or await receive()

    return replay


def _check_values(body: bytes, limit: int) -> bytes:
    """Returns the body, unless it consists mostly of objects and lists.

    Each of them takes hundreds of bytes of memory, so a body of nothing else takes a hundred times
    its own length.
    """
    most = max(MIN_VALUES_LIMIT, limit // 64)
    if len(body) > most and holds_more_than(most, body):
        raise OllamaError(413, "request body has too many values")
    return body


def _too_large() -> OllamaError:
    return OllamaError(413, "request body too large")
