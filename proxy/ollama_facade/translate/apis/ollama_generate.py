"""Pieces and an Ending as frames of `/api/generate`, keys in Ollama's order (inference.md §5.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ollama_facade.translate.deltas import Completion, OutputDelta


def generate_frame(model: str, created_at: str, piece: OutputDelta) -> dict[str, Any]:
    """One frame before the end."""
    frame = _head(model, created_at, piece)
    frame["done"] = False
    if piece.logprobs:
        frame["logprobs"] = piece.logprobs
    return frame


def generate_final(
    model: str,
    created_at: str,
    ending: Completion,
    metrics: Mapping[str, int],
    context: Sequence[int],
) -> dict[str, Any]:
    """The frame with ``done:true``; an empty `context` (of ``raw``) is left out."""
    frame = _head(model, created_at, ending.piece)
    frame["done"] = True
    frame["done_reason"] = ending.done_reason
    if context:
        frame["context"] = context
    frame.update(metrics)
    if ending.piece.logprobs:
        frame["logprobs"] = ending.piece.logprobs
    return frame


def generate_lifecycle(model: str, created_at: str, reason: str) -> dict[str, Any]:
    """The answer to an empty prompt: `reason` is ``load`` or ``unload`` (§14.3)."""
    return {
        "model": model,
        "created_at": created_at,
        "response": "",
        "done": True,
        "done_reason": reason,
    }


def _head(model: str, created_at: str, piece: OutputDelta) -> dict[str, Any]:
    frame: dict[str, Any] = {"model": model, "created_at": created_at, "response": piece.content}
    if piece.thinking:
        frame["thinking"] = piece.thinking
    return frame
