"""Translates log probabilities of both OpenAI APIs to Ollama's (inference.md §12)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def read_logprobs(choice: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Reads the tokens of one choice; `[]` when there are none.

    Chat completions have ``logprobs.content``, text completions have parallel lists. Entries that
    are no objects or have no number are left out.
    """
    logprobs = choice.get("logprobs")
    if not isinstance(logprobs, Mapping):
        return []
    content = logprobs.get("content")
    if isinstance(content, list):
        return [entry for item in content if (entry := _entry(item))]
    return _from_lists(logprobs)


def with_alternatives(
    entries: Sequence[Mapping[str, Any]], count: int
) -> Sequence[Mapping[str, Any]]:
    """Limits each token to `count` alternatives; backends send more than requested."""
    if not any(len(entry.get("top_logprobs", ())) > count for entry in entries):
        return entries
    return [
        {
            key: value[:count] if key == "top_logprobs" else value
            for key, value in entry.items()
            if key != "top_logprobs" or count
        }
        for entry in entries
    ]


def _entry(item: Any) -> dict[str, Any] | None:
    entry = _token_of(item)
    top = item.get("top_logprobs") if entry else None
    if entry and isinstance(top, list):
        alternatives = [token for other in top if (token := _token_of(other))]
        if alternatives:
            entry["top_logprobs"] = alternatives
    return entry


def _token_of(item: Any) -> dict[str, Any] | None:
    if not isinstance(item, Mapping):
        return None
    return _token(item.get("token"), item.get("logprob"), item.get("bytes"))


def _from_lists(logprobs: Mapping[str, Any]) -> list[dict[str, Any]]:
    tokens, values = logprobs.get("tokens"), logprobs.get("token_logprobs")
    if not isinstance(tokens, list) or not isinstance(values, list):
        return []
    tops = logprobs.get("top_logprobs")
    tops = tops if isinstance(tops, list) else []
    entries = []
    for position, (text, value) in enumerate(zip(tokens, values, strict=False)):
        entry = _token(text, value, None)
        if entry is None:
            continue
        top = tops[position] if position < len(tops) else None
        if isinstance(top, Mapping):
            ranked = sorted(
                (pair for pair in top.items() if _is_number(pair[1])), key=lambda pair: -pair[1]
            )
            alternatives = [token for other in ranked if (token := _token(*other, None))]
            if alternatives:
                entry["top_logprobs"] = alternatives
        entries.append(entry)
    return entries


def _token(text: Any, value: Any, raw: Any) -> dict[str, Any] | None:
    """Builds a token; `bytes` are its UTF-8 and left out for an empty token, as in Ollama."""
    if not isinstance(text, str) or not _is_number(value):
        return None
    entry: dict[str, Any] = {"token": text, "logprob": value}
    if not (isinstance(raw, list) and raw and all(type(byte) is int for byte in raw)):
        raw = list(text.encode("utf-8", "replace"))
    if raw:
        entry["bytes"] = raw
    return entry


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)
