"""Bodies that came compressed with zstd, on the routes where Ollama takes them (management §1.9).

Codex sends them. Nothing else is taken: a body in gzip is read as it came, and is no JSON.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

from ollama_facade.errors import OllamaError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_ROUTES = frozenset(
    (
        "/v1/chat/completions",
        "/v1/completions",
        "/v1/embeddings",
        "/v1/responses",
        "/v1/messages",
    )
)
LARGEST = 20 * 1024 * 1024
"""Bytes of a body once it is whole again: Ollama's own limit."""

FAILED = "failed to decompress request body"
TOO_LARGE = "http: request body too large"
"""Both are told in Ollama's shape on every route, because it looks before its translators do."""

_WINDOW: Mapping[int, int] = {zstd.DecompressionParameter.window_log_max: 23}
"""8 MiB, as Ollama's."""


def is_compressed(path: str, encoding: bytes) -> bool:
    """Whether a body with this Content-Encoding is to be made whole again on the route."""
    return encoding.lower() == b"zstd" and path in _ROUTES


def decompressed(body: bytes, limit: int = LARGEST) -> bytes:
    """The body as it was before. Raises OllamaError(400) for what is none and for what is too long.

    Nothing beyond the limit (the lower of `limit` and Ollama's) is ever made, however much a small
    body would become.
    """
    parts: list[bytes] = []
    room = min(limit, LARGEST)
    try:
        while body:
            frame = zstd.ZstdDecompressor(options=_WINDOW)
            part = frame.decompress(body, max_length=room + 1)
            if len(part) > room:
                raise OllamaError(400, TOO_LARGE)
            if not frame.eof:
                raise OllamaError(400, FAILED)
            parts.append(part)
            room -= len(part)
            body = frame.unused_data
    except zstd.ZstdError:
        raise OllamaError(400, FAILED) from None
    return b"".join(parts)
