"""Packs a conversation into the integers of `context` (inference.md §5.1, inference.md §13.4).

In Ollama they are tokens, which only the model that made them can read. Here they are the turns,
compressed, so that any replica in front of any backend can continue. Layout, all in 1 … 2^31 - 1:
a mark, the version, 1 + length of the payload in bytes, 1 + its CRC-32 (31 bits), then 1 + each
three bytes of the payload, which is zlib over the JSON ``[[role, content], …]``.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn

from ollama_facade.errors import OllamaError
from ollama_facade.translate.models import Model

MAX_TURNS_BYTES = 256 * 1024
"""Size of the turns as JSON. The oldest turns are left out, system texts last."""

_MARK = 0x4F43_5458
_VERSION = 1
_HEAD_LENGTH = 4
_STEP_BYTES = 3


def pack(turns: Sequence[Mapping[str, Any]]) -> list[int]:
    """Packs the `role` and the text of `content` of each turn into integers.

    `[]` when there are no turns, or when the last one alone is over the limit.
    """
    payload = _within_limit([[turn.get("role") or "", _text(turn)] for turn in turns])
    if not payload:
        return []
    packed = zlib.compress(payload, 6)
    padded = packed + b"\0" * (-len(packed) % _STEP_BYTES)
    steps = (padded[at : at + _STEP_BYTES] for at in range(0, len(padded), _STEP_BYTES))
    return [
        _MARK,
        _VERSION,
        1 + len(packed),
        1 + _checksum(packed),
        *(1 + int.from_bytes(step, "big") for step in steps),
    ]


def unpack(context: Sequence[int]) -> list[dict[str, Any]]:
    """Returns the turns that `pack` was given, `[]` for an empty context.

    Raises OllamaError(400) for integers that this service did not make.
    """
    if not context:
        return []
    if len(context) <= _HEAD_LENGTH or list(context[:2]) != [_MARK, _VERSION]:
        _refuse()
    length, checksum = context[2] - 1, context[3] - 1
    steps = [value - 1 for value in context[_HEAD_LENGTH:]]
    if not all(0 <= step < 1 << 8 * _STEP_BYTES for step in steps):
        _refuse()
    packed = b"".join(step.to_bytes(_STEP_BYTES, "big") for step in steps)
    if len(packed) - length not in range(_STEP_BYTES) or _checksum(packed[:length]) != checksum:
        _refuse()
    try:
        turns = json.loads(_decompressed(packed[:length]))
        return [{"role": str(role), "content": str(content)} for role, content in turns]
    except (zlib.error, ValueError, TypeError):
        _refuse()


def generate_context(body: Mapping[str, Any], answer: str, model: Model | None = None) -> list[int]:
    """Returns the `context` of a reply: the conversation of `body` and the answer; `[]` for `raw`.

    It includes the system text and the messages of `model`, if given, but no images.
    """
    if body.get("raw"):
        return []
    turns: Sequence[Mapping[str, Any]] = (
        [{"role": "user", "content": body.get("prompt") or ""}]
        if body.get("suffix")
        else generate_turns(body, model)
    )
    return pack([*turns, {"role": "assistant", "content": answer}])


def generate_turns(body: Mapping[str, Any], model: Model | None) -> list[dict[str, Any]]:
    """Returns [system] + the model's messages, or the turns of `context`, + the prompt.

    The `system` of the request replaces that of the context, and the model's is used where there is
    none: every chat template accepts one system message at the start.
    """
    context = body.get("context")
    earlier = ""
    if context is None:
        turns = [dict(message) for message in (model.messages if model else ())]
    else:
        turns = unpack(context)
        if turns and turns[0]["role"] == "system":
            earlier = turns.pop(0)["content"]
    system = body.get("system") or earlier or (model.system if model else "")
    if system:
        turns.insert(0, {"role": "system", "content": system})
    turns.append(
        {"role": "user", "content": body.get("prompt") or "", "images": body.get("images")}
    )
    return turns


def _within_limit(turns: list[list[str]]) -> bytes:
    sizes = [len(_encoded(turn)) + 1 for turn in turns]
    excess = 1 + sum(sizes) - MAX_TURNS_BYTES
    for oldest in _removable(turns):
        if excess <= 0:
            break
        excess -= sizes[oldest]
        sizes[oldest] = 0
    remaining = [turn for turn, size in zip(turns, sizes, strict=True) if size]
    return _encoded(remaining) if remaining and excess <= 0 else b""


def _removable(turns: Sequence[Sequence[str]]) -> Iterator[int]:
    """Yields the turns in the order in which they are left out, without the last one."""
    earlier = range(len(turns) - 1)
    yield from (at for at in earlier if turns[at][0] != "system")
    yield from (at for at in earlier if turns[at][0] == "system")


def _text(turn: Mapping[str, Any]) -> str:
    content = turn.get("content") or ""
    if isinstance(content, str):
        return content
    return "".join(part.get("text") or "" for part in content)


def _encoded(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def _decompressed(packed: bytes) -> bytes:
    """Decompresses up to the limit. Raises ValueError beyond it."""
    machine = zlib.decompressobj()
    payload = machine.decompress(packed, MAX_TURNS_BYTES)
    if not machine.eof:
        raise ValueError
    return payload


def _checksum(packed: bytes) -> int:
    return zlib.crc32(packed) % (2**31 - 1)


def _refuse() -> NoReturn:
    raise OllamaError(
        400,
        "context was not made by this server: it must be the context of an earlier reply, "
        "unchanged; leave it out to begin a new conversation",
    )
