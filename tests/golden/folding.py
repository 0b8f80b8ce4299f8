"""What a stream adds up to, however it was cut into frames."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tests.golden.numbers import in_key_order, write

STEPS = ("/api/pull", "/api/push", "/api/create")
GENERATIONS = ("/api/chat", "/api/generate")
COMPLETIONS = ("/v1/chat/completions", "/v1/completions")
PIECES = ("message", "response", "thinking", "logprobs", "tool_calls")
LAYER = re.compile(r"(using existing|creating new) layer")


def folded(documents: Sequence[Any], path: str) -> Any:
    """The answer in one value."""
    objects = [document for document in documents if isinstance(document, dict)]
    if path in STEPS:
        return [
            one
            for one in objects
            if "digest" not in one and not LAYER.match(str(one.get("status")))
        ]
    if path in GENERATIONS:
        return generation(objects)
    return completion(objects) if path in COMPLETIONS else events(objects)


def generation(frames: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Frames of chat and generate: texts joined, the rest as the last one says."""
    total: dict[str, Any] = {
        "text": "",
        "thinking": "",
        "tool_calls": [],
        "logprobs": [],
        "done": 0,
    }
    for frame in frames:
        inner = frame.get("message")
        message = inner if isinstance(inner, dict) else frame
        total["text"] += message.get("content") or frame.get("response") or ""
        total["thinking"] += message.get("thinking") or ""
        total["tool_calls"] += message.get("tool_calls") or []
        total["logprobs"] += frame.get("logprobs") or []
        total["done"] += frame.get("done") is True
        total |= {key: value for key, value in frame.items() if key not in (*PIECES, "done")}
        if message is not frame:
            total["role"] = message.get("role")
    return total


def completion(chunks: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Chunks of the two completion routes."""
    total: dict[str, Any] = {
        "text": "",
        "reasoning": "",
        "tool_calls": [],
        "logprobs": [],
        "finish": [],
    }
    for chunk in chunks:
        total |= {
            key: value for key, value in chunk.items() if key != "choices" and value is not None
        }
        for choice in chunk.get("choices") or []:
            delta = choice.get("delta") or {}
            total["text"] += delta.get("content") or choice.get("text") or ""
            total["reasoning"] += delta.get("reasoning") or ""
            total["tool_calls"] += delta.get("tool_calls") or []
            total["logprobs"] += (choice.get("logprobs") or {}).get("content") or []
            total["finish"] += [choice["finish_reason"]] if choice.get("finish_reason") else []
            total |= {"role": delta["role"]} if "role" in delta else {}
    return total


def events(found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Typed events: neighbouring deltas of one kind and place are one."""
    out: list[dict[str, Any]] = []
    for event in found:
        one = {key: value for key, value in event.items() if key != "sequence_number"}
        if not (out and joined(out[-1], one)):
            delta = one.get("delta")
            out.append(one | ({"delta": dict(delta)} if isinstance(delta, dict) else {}))
    return out


def joined(last: dict[str, Any], one: dict[str, Any]) -> bool:
    """Adds a delta to the one before it, if they belong together."""
    delta, before = one.get("delta"), last.get("delta")
    if delta is None or any(last.get(key) != one.get(key) for key in ("type", "index", "item_id")):
        return False
    if isinstance(delta, str) and isinstance(before, str):
        last["delta"] = before + delta
        return True
    blocks = (
        isinstance(delta, dict)
        and isinstance(before, dict)
        and delta.get("type") == before.get("type")
    )
    if not (blocks and str(one["type"]).startswith("content_block")):
        return False
    for key, value in delta.items():
        text = isinstance(value, str) and key != "type"
        last["delta"][key] = before.get(key, "") + value if text else value
    return True


def carried(documents: Sequence[Any], path: str) -> set[str]:
    """What frames before the last carry beside the answer: the same in each, however many."""
    out = set()
    for one in documents:
        if not isinstance(one, dict) or is_error(one):
            continue
        if path in GENERATIONS and one.get("done") is not True:
            inner = one.get("message")
            message = inner if isinstance(inner, dict) else {}
            rest = {key: value for key, value in one.items() if key not in PIECES}
            rest |= {"has": "message" if message else "response", "role": message.get("role")}
            out.add(write(in_key_order(rest)))
        if path in COMPLETIONS and one.get("choices"):
            rest = {key: value for key, value in one.items() if key != "choices"}
            rest["index"] = [choice.get("index") for choice in one["choices"]]
            out.add(write(in_key_order(rest)))
    return out


def is_error(document: Any) -> bool:
    """An error object, native or of /v1."""
    if not isinstance(document, dict):
        return False
    return document.get("error") is not None or document.get("type") in ("error", "response.failed")
