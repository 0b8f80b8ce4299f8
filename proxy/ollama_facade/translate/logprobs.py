"""Log probabilities in Ollama's shape, from either of OpenAI's (inference.md §12)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def read_logprobs(choice: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The tokens of one choice, `[]` when the backend sent none.

    Chat completions carry ``logprobs.content``; text completions carry parallel lists. Entries
    that are no objects or have no number are left out.
    """
    logprobs = choice.get("logprobs")
    if not isinstance(logprobs, Mapping):
        return []
    content = logprobs.get("content")
    if isinstance(content, list):
        return [entry for item in content if (entry := _entry(item, item))]
    return _from_lists(logprobs)


def with_alternatives(
    entries: Sequence[Mapping[str, Any]], count: int
) -> Sequence[Mapping[str, Any]]:
    """The tokens with at most `count` alternatives each; backends send more than was asked for."""
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


def _entry(item: Any, alternatives: Any) -> dict[str, Any] | None:
    if not isinstance(item, Mapping):
        return None
    entry = _token(item.get("token"), item.get("logprob"), item.get("bytes"))
    if entry is None:
        return None
    top = alternatives.get("top_logprobs")
    if isinstance(top, list) and top:
        found = [
            token
            for other in top
            if isinstance(other, Mapping)
            and (token := _token(other.get("token"), other.get("logprob"), other.get("bytes")))
        ]
        if found:
            entry["top_logprobs"] = found
    return entry


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
            found = [token for other in ranked if (token := _token(*other, None))]
            if found:
                entry["top_logprobs"] = found
        entries.append(entry)
    return entries


def _token(text: Any, value: Any, raw: Any) -> dict[str, Any] | None:
    """`bytes` are the token's own UTF-8 and left out for an empty token, as Ollama has it."""
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
