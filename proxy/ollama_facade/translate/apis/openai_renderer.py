"""A backend's answer as `/v1` passes it on: every field, under the client's name for the model.

Ollama's rewriting would lose what a richer backend says (refusals, citations, details of usage, a
second choice). What is settled here is what Ollama's clients count on: `model` as they wrote it,
`reasoning` as the one name of thoughts, a text where there is none, and no empty `usage`
(management.md §4.1, §4.2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ollama_facade.golang.encode import dumps
from ollama_facade.translate.apis.pass_through import not_a_completion
from ollama_facade.translate.chunks import parse_chunk
from ollama_facade.translate.dialects import Dialect
from ollama_facade.translate.generation import Build, Think
from ollama_facade.translate.models import Model
from ollama_facade.translate.requests import BackendRequest, Endpoint

FINGERPRINT = "fp_ollama"
"""Ollama's word, which its clients see whatever runs behind it."""

_INTERNAL = frozenset(("timings", "__verbose"))
"""llama.cpp's measurements, which Ollama, whose runner it is, keeps to itself as well."""

_NOTHING_COUNTED = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}

Value = dict[str, Any]


@dataclass(slots=True)
class Chunk:
    """One event of the backend's stream as it came, and a finish reason if it is the last."""

    value: Mapping[str, Any]
    finish: str


@dataclass(slots=True)
class Head:
    """What every event of one answer begins with: the object's name, the model, an id, a time.

    `id` and `created` (seconds) are those of the backend's first event, or what is given here.
    `counted`: every event of a text has a `usage`, of zeros until the last (golden
    openai/completions-stream-usage).
    """

    object: str
    model: str
    id: str
    created: int
    counted: bool = False


class CompletionPassThrough:
    """A chat or text completion: the client's parameters, and the backend's answer to them."""

    def __init__(self, build: Build, head: Head, *, choices: int = 1) -> None:
        """`build` makes the backend request, whose answer has so many `choices`."""
        self._build = build
        self._head = head
        self._choices_left = max(choices, 1)
        self.endpoint: Endpoint = "chat" if head.object == "chat.completion" else "completions"

    def build(self, model: Model, dialect: Dialect, think: Think, /) -> BackendRequest:
        """The backend request."""
        request = self._build(model, dialect, think)
        if request.stream and self.endpoint == "chat":
            self._head.object = "chat.completion.chunk"
        self._head.counted = self.endpoint == "completions" and "stream_options" in request.body
        return request

    def parse_event(self, value: Any, /) -> Chunk | None:
        """Any JSON as a Chunk; None where it says nothing. Raises BackendError as `parse_chunk`.

        The answer is complete when each of its choices has a finish reason.
        """
        parse_chunk(value)
        choices = value.get("choices")
        if not isinstance(choices, list) or not (choices or value.get("usage")):
            return None
        values = [choice.get("finish_reason") for choice in choices if isinstance(choice, Mapping)]
        reasons = [reason for reason in values if isinstance(reason, str) and reason]
        self._choices_left -= len(reasons)
        return Chunk(value, reasons[-1] if reasons and self._choices_left <= 0 else "")

    def render_event(self, chunk: Chunk, /) -> Value:
        """One event of a stream."""
        return chunk_value(chunk, self._head)

    def render_response(self, value: Any, /) -> Value:
        """A whole answer. Raises BackendError for what is none."""
        if parse_chunk(value) is None or not isinstance(value.get("choices"), list):
            raise not_a_completion()
        return answer_value(value, self._head)

    def render_load(self) -> Value:
        """The answer to an empty prompt: nothing was asked of the model (management.md §4.2)."""
        choice = {"text": "", "index": 0, "finish_reason": "load"}
        return _under_head({"usage": dict(_NOTHING_COUNTED)}, self._head, [choice])


def chunk_value(chunk: Chunk, head: Head) -> Value:
    """One event of a stream."""
    choices = [
        _chunk_choice(choice, head)
        for choice in chunk.value["choices"]
        if isinstance(choice, Mapping)
    ]
    value = _under_head(chunk.value, head, choices)
    if head.counted and choices:
        value.setdefault("usage", dict(_NOTHING_COUNTED))
    return value


def answer_value(answer: Mapping[str, Any], head: Head) -> Value:
    """A whole answer."""
    choices = [
        _choice(choice, _message(choice.get("message")), "message")
        if isinstance(choice.get("message"), Mapping)
        else _choice(choice)
        for choice in answer["choices"]
        if isinstance(choice, Mapping)
    ]
    return _under_head(answer, head, choices)


def embeddings_answer(name: str, vectors: Sequence[bytes], prompt_tokens: int) -> bytes:
    """The answer of `/v1/embeddings` as JSON, as each vector is: numbers, or base64.

    (management.md §4.3)
    """
    entries = b",".join(
        b'{"object":"embedding","embedding":%b,"index":%d}' % (vector, index)
        for index, vector in enumerate(vectors)
    )
    usage = {"prompt_tokens": prompt_tokens, "total_tokens": prompt_tokens}
    end = dumps({"model": name, "usage": usage})[1:]
    return b'{"object":"list","data":[%b],%b' % (entries, end)


def model_value(model: Model, identifier: str, namespace: str) -> Value:
    """An entry of `/v1/models` (management.md §4.4)."""
    return {
        "id": identifier,
        "object": "model",
        "created": model.modified_at // 1_000_000_000,
        "owned_by": namespace,
    }


def _under_head(value: Mapping[str, Any], head: Head, choices: list[Value]) -> Value:
    fields = {
        "id": value.get("id") or head.id,
        "object": head.object,
        "created": value.get("created") or head.created,
        "model": head.model,
        "system_fingerprint": FINGERPRINT,
        "choices": choices,
    }
    for key, member in value.items():
        if member is not None and key not in fields and key not in _INTERNAL:
            fields[key] = _counted(member) if key == "usage" else member
    return fields


def _counted(usage: Any) -> Any:
    """Usage without details that count nothing: 0 cached tokens is what saying nothing means."""
    if not isinstance(usage, Mapping):
        return usage
    return {
        key: member
        for key, member in usage.items()
        if not isinstance(member, Mapping) or any(member.values())
    }


def _chunk_choice(choice: Mapping[str, Any], head: Head) -> Value:
    if head.object == "text_completion":
        return _choice(choice)
    delta = choice.get("delta") or choice.get("message") or {}
    reshaped = _message(delta) if delta else {}
    return _choice(choice, reshaped, "delta")


def _choice(choice: Mapping[str, Any], message: Value | None = None, name: str = "") -> Value:
    value: Value = {"index": choice.get("index") or 0}
    if message is None:
        value = {"text": choice.get("text") or "", **value}
    else:
        value[name] = message
    value["finish_reason"] = choice.get("finish_reason") or None
    handled = ("index", "text", "delta", "message", "finish_reason")
    for key, member in choice.items():
        if member is not None and key not in handled:
            value[key] = _without_nothing(member) if key == "logprobs" else member
    return value


def _message(message: Any) -> Value:
    """`content` is a text even where there is none; thoughts are called `reasoning`."""
    reshaped: Value = {}
    if message.get("role"):
        reshaped["role"] = message["role"]
    reshaped["content"] = message.get("content") or ""
    thoughts = message.get("reasoning_content") or message.get("reasoning")
    if thoughts:
        reshaped["reasoning"] = thoughts
    handled = ("role", "content", "reasoning", "reasoning_content")
    for key, member in message.items():
        if member is not None and key not in handled:
            reshaped[key] = _calls(member) if key == "tool_calls" else member
    return reshaped


def _calls(calls: Any) -> Any:
    """Each call with its place, which OpenAI leaves out of a whole answer and Ollama does not."""
    if not isinstance(calls, list):
        return calls
    return [
        {"index": at, **call} if isinstance(call, Mapping) else call
        for at, call in enumerate(calls)
    ]


def _without_nothing(value: Any) -> Any:
    """Logprobs without the refusal that there was not (OpenAI writes null)."""
    if not isinstance(value, Mapping):
        return value
    return {key: member for key, member in value.items() if member is not None}
