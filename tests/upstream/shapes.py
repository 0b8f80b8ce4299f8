"""The JSON that a backend's answers are made of."""

from __future__ import annotations

import json
from typing import Any

from tests.upstream.connection import Connection

CREATED = 1795446815
PROMPT_MS, PREDICTED_MS = 12.5, 40.25


def to_json(value: object) -> bytes:
    """Compact JSON, as llama.cpp writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def head_of(connection: Connection) -> dict[str, Any]:
    """What every event of a stream carries beside its choices."""
    chat = connection.requested.path.endswith("/chat/completions")
    body = connection.requested.body or {}
    return {
        "id": ("chatcmpl-" if chat else "cmpl-") + "Scripted0000000000",
        "object": "chat.completion.chunk" if chat else "text_completion",
        "created": CREATED,
        "model": body.get("model"),
    }


def timings(prompt: int, completion: int, cached: int = 0) -> dict[str, Any]:
    """llama.cpp's own account of a generation."""
    return {
        "cache_n": cached,
        "prompt_n": prompt - cached,
        "prompt_ms": PROMPT_MS,
        "predicted_n": completion,
        "predicted_ms": PREDICTED_MS,
    }


def usage_of(prompt: int, completion: int, cached: int = 0) -> dict[str, Any]:
    """OpenAI's account of a generation."""
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached},
    }
