"""The tolerant reader: any JSON of a backend becomes a StreamDelta, nothing, or one BackendError.

Nothing past this module sees the backend's data (faults.md rows 47-52, 55, 68, 70).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ollama_facade.errors import BackendError
from ollama_facade.translate.deltas import StreamDelta, Timings, ToolCallDelta, Usage
from ollama_facade.translate.failures import failure_status, failure_text
from ollama_facade.translate.logprobs import read_logprobs

NANOSECONDS_PER_MILLISECOND = 1_000_000
_TEXT_FIELDS = {"role", "content"}


def unreadable() -> BackendError:
    """The error for an event that is not JSON, or JSON of another kind."""
    return BackendError(502, "backend sent something unreadable", kind="unreadable")


def parse_chunk(event: Any) -> StreamDelta | None:
    """Returns the StreamDelta of one event, or of a whole completion, chat or text.

    `event` is any JSON value. None means that it says nothing. Raises BackendError for an error
    event (its own message, its own status where it carries one) and for what is no completion.
    """
    if not isinstance(event, dict):
        raise unreadable()
    choices = event.get("choices")
    if event.get("error") and not choices:
        raise failed(event)
    usage, timings = event.get("usage"), event.get("timings")
    usage = None if usage is None else read_usage(usage)
    timings = None if timings is None else read_timings(timings)
    choice = _first(choices)
    if choice is None:
        return StreamDelta(usage=usage, timings=timings) if usage or timings else None
    if choice.get("error"):
        raise failed(choice)
    if choice.get("finish_reason") == "error":
        # OpenRouter: the reason is beside the choices, or nowhere.
        raise failed(event)
    message = choice.get("delta") or choice.get("message")
    finish = choice.get("finish_reason")
    delta = StreamDelta(
        finish=finish if isinstance(finish, str) else "", usage=usage, timings=timings
    )
    if isinstance(message, dict):
        content = message.get("content")
        delta.content = content if isinstance(content, str) else _text(content)
        if content is None or not message.keys() <= _TEXT_FIELDS:  # nearly every one has no more
            delta.content += _text(message.get("refusal"))
            delta.thinking = _thinking(message)
            delta.calls = _calls(message)
    elif "text" in choice:
        delta.content = _text(choice["text"])
    if choice.get("logprobs"):
        delta.logprobs = read_logprobs(choice)
    return delta


def failed(event: Any) -> BackendError:
    """Returns the BackendError that an error event or body stands for."""
    text = failure_text(event) or "backend reported an error without a message"
    return BackendError(failure_status(event) or 502, text, kind="error_event")


def read_usage(usage: Any) -> Usage | None:
    """Returns the counts as reported; text, a negative or a missing one is None, never zero."""
    if not isinstance(usage, dict):
        return None
    prompt = _count(usage.get("prompt_tokens", usage.get("input_tokens")))
    completion = _count(usage.get("completion_tokens", usage.get("output_tokens")))
    return None if prompt is None and completion is None else Usage(prompt, completion)


def read_timings(timings: Any) -> Timings | None:
    """Returns llama.cpp's `timings`: its `prompt_n` lacks cached tokens, durations are in ms."""
    if not isinstance(timings, dict):
        return None
    prompt = _count(timings.get("prompt_n"))
    if prompt is not None:
        prompt += _count(timings.get("cache_n")) or 0
    return Timings(
        prompt,
        _count(timings.get("predicted_n")),
        _duration(timings.get("prompt_ms")),
        _duration(timings.get("predicted_ms")),
    )


def _first(choices: Any) -> Mapping[str, Any] | None:
    """Returns the choice with index 0: some backends send more, or number them oddly."""
    if not isinstance(choices, list):
        return None
    for choice in choices:
        if isinstance(choice, dict):
            index = choice.get("index")
            if index is None or index == 0:
                return choice
    return None


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    if content is None:
        return ""
    if isinstance(content, list):
        parts = (part.get("text") if isinstance(part, dict) else part for part in content)
        return "".join(part for part in parts if isinstance(part, str))
    raise unreadable()


def _thinking(message: Mapping[str, Any]) -> str:
    """`reasoning_content` (DeepSeek, vLLM, llama.cpp), `reasoning` (OpenRouter, Ollama, Groq)."""
    for key in ("reasoning_content", "reasoning"):
        text = message.get(key)
        if isinstance(text, str) and text:
            return text
    return ""


def _calls(message: Mapping[str, Any]) -> list[ToolCallDelta]:
    calls = message.get("tool_calls")
    if isinstance(calls, list):
        return [part for call in calls if (part := _call(call)) is not None]
    legacy = message.get("function_call")
    if isinstance(legacy, dict):
        return [
            ToolCallDelta(0, "", _word(legacy.get("name")), _arguments(legacy.get("arguments")))
        ]
    return []


def _call(call: Any) -> ToolCallDelta | None:
    if not isinstance(call, dict):
        return None
    function = call.get("function")
    if not isinstance(function, dict):
        function = call.get("custom")
        if isinstance(function, dict):
            raise BackendError(502, "backend called a custom tool", kind="tool_call")
        function = {}
    index = call.get("index")
    return ToolCallDelta(
        index if type(index) is int else None,
        _word(call.get("id")),
        _word(function.get("name")),
        _arguments(function.get("arguments")),
    )


def _arguments(arguments: Any) -> str:
    """Some servers send the object itself instead of its text."""
    if isinstance(arguments, str):
        return arguments
    if arguments is None:
        return ""
    return json.dumps(arguments, separators=(",", ":"))


def _word(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _count(value: Any) -> int | None:
    return value if type(value) is int and value >= 0 else None


def _duration(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        return None
    return round(value * NANOSECONDS_PER_MILLISECOND)
