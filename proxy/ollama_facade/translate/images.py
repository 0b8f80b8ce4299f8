"""Translates Ollama's `images` to parts of an OpenAI message (inference.md §2.4).

The first bytes determine the kind, as in Ollama; nothing else is decoded. Bytes of an unknown kind
are sent as PNG: a backend may detect the kind or refuse them, which is better than an answer about
an image that was left out.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

_HEAD_LENGTH = 32  # characters of base64, more than the 12 bytes of the longest signature

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"BM", "bmp"),
)


def media_parts(images: Sequence[Any]) -> list[dict[str, Any]]:
    """Returns one content part an item: a data URL, or `input_audio` for WAV and MP3.

    An item is padded base64, a list of byte values (Go's byte slice takes both), or None, which is
    an empty image.
    """
    return [_part(_encoded(item)) for item in images]


def media_kind(head: bytes) -> tuple[str, str]:
    """Detects ``("image", "png")`` or ``("audio", "wav")``; unknown bytes are PNG."""
    if head[:4] == b"RIFF":
        if head[8:12] == b"WAVE":
            return "audio", "wav"
        if head[8:12] == b"WEBP":
            return "image", "webp"
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return "image", kind
    if head[:3] == b"ID3" or (len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0):
        return "audio", "mp3"
    return "image", "png"


def _part(encoded: str) -> dict[str, Any]:
    try:
        head = base64.b64decode(encoded[:_HEAD_LENGTH])
    except binascii.Error:
        head = b""
    family, kind = media_kind(head)
    if family == "audio":
        return {"type": "input_audio", "input_audio": {"data": encoded, "format": kind}}
    url = f"data:image/{kind};base64,{encoded}"
    return {"type": "image_url", "image_url": {"url": url}}


def _encoded(item: Any) -> str:
    if isinstance(item, str):
        # The test is twenty times as fast as replacing nothing.
        if "\r" in item or "\n" in item:
            return item.replace("\r", "").replace("\n", "")
        return item
    return base64.b64encode(bytes(item or ())).decode("ascii")
