"""The message inside whatever a backend sends when it fails (faults.md rows 55, 81)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

MESSAGE_LIMIT = 500
"""Characters of a backend's message that a client is shown."""

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_SECRET = re.compile(
    r"\b(?:sk|gsk|xai|key|pk|rk|hf)[-_][\w*.-]{6,}|\bBearer\s+\S+|\bAIza[\w-]{10,}"
)
_MARKUP = re.compile(r"^\s*(<!doctype|<html|<head|<body|<\?xml)", re.IGNORECASE)


def failure_text(body: Any) -> str:
    """The message in an error body of any known shape; `""` when there is none.

    Known: ``{"error": text}``, ``{"error": {"message"}}``, ``{"message"}``, ``{"detail"}`` as text
    or as FastAPI's list, ``{"errors": [...]}``, ``{"msg"}``, a list of any of these, or plain text.
    The result is one line without control characters, secrets or markup, at most 500 characters.
    """
    return clean(_dig(body, 0))


def clean(text: str) -> str:
    """One printable line of at most 500 characters; markup gives nothing, keys become ``***``."""
    if _MARKUP.match(text):
        return ""
    text = _SECRET.sub("***", _CONTROL.sub(" ", text[: 8 * MESSAGE_LIMIT])).strip()
    return text if len(text) <= MESSAGE_LIMIT else text[: MESSAGE_LIMIT - 1] + "…"


def _dig(body: Any, depth: int) -> str:
    if isinstance(body, str):
        return body
    if depth > 5:
        return ""
    if isinstance(body, Mapping):
        for key in ("error", "message", "detail", "msg", "error_message", "errors", "raw"):
            if key in body and (text := _dig(body[key], depth + 1)):
                return text
        return ""
    if isinstance(body, list):
        return "; ".join(text for item in body[:5] if (text := _dig(item, depth + 1)))
    return ""


def failure_status(body: Any) -> int | None:
    """The HTTP status in an error body (``code``, ``status``), if it is one of 400-599."""
    found = body.get("error", body) if isinstance(body, Mapping) else None
    for holder in (found, body):
        if isinstance(holder, Mapping):
            for key in ("code", "status", "status_code"):
                value = holder.get(key)
                if isinstance(value, str) and value.isdecimal():
                    value = int(value[:4])
                if isinstance(value, int) and 400 <= value <= 599:
                    return value
    return None
