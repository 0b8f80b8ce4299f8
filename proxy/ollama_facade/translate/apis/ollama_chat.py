"""Pieces and an Ending as frames of `/api/chat`, keys in Ollama's order (inference.md §6.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ollama_facade.translate.deltas import Completion, OutputDelta, ToolCall


def chat_frame(model: str, created_at: str, piece: OutputDelta) -> dict[str, Any]:
    """One frame before the end."""
    frame: dict[str, Any] = {
        "model": model,
        "created_at": created_at,
        "message": _message(piece, ()),
        "done": False,
    }
    if piece.logprobs:
        frame["logprobs"] = piece.logprobs
    return frame


def chat_final(
    model: str, created_at: str, ending: Completion, metrics: Mapping[str, int]
) -> dict[str, Any]:
    """The frame with ``done:true``; tool calls stand in it, as for a native model (§11.4)."""
    frame: dict[str, Any] = {
        "model": model,
        "created_at": created_at,
        "message": _message(ending.piece, ending.calls),
        "done": True,
        "done_reason": ending.done_reason,
    }
    if ending.piece.logprobs:
        frame["logprobs"] = ending.piece.logprobs
    frame.update(metrics)
    return frame


def chat_lifecycle(model: str, created_at: str, reason: str) -> dict[str, Any]:
    """The answer to no messages: `reason` is ``load`` or ``unload`` (§14.3)."""
    return {
        "model": model,
        "created_at": created_at,
        "message": {"role": "assistant", "content": ""},
        "done": True,
        "done_reason": reason,
    }


def _message(piece: OutputDelta, calls: Sequence[ToolCall]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": piece.content}
    if piece.thinking:
        message["thinking"] = piece.thinking
    if calls:
        message["tool_calls"] = [
            {
                "id": call.id,
                "function": {
                    "index": call.index,
                    "name": call.name,
                    "arguments": call.arguments,
                },
            }
            for call in calls
        ]
    return message
