"""Translates the messages of a chat to OpenAI's (inference.md §2.6, inference.md §6.3)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ollama_facade.translate.dialects import Dialect
from ollama_facade.translate.images import media_parts
from ollama_facade.translate.models import Model

Message = dict[str, Any]

_PLAIN_KEYS = {"role", "content"}
_ROLES = frozenset(("system", "user", "assistant"))


def chat_messages(
    messages: Sequence[Mapping[str, Any] | None], model: Model, dialect: Dialect
) -> list[Message]:
    """Returns the messages for the backend: the model's own, then those of the request.

    The model's system text comes first unless the request begins with a system message.
    """
    requested: list[Mapping[str, Any]] = [message or {} for message in messages]
    conversation: list[Mapping[str, Any]] = [*model.messages, *requested]
    if model.system and requested and _role(requested[0]) != "system":
        conversation.insert(0, {"role": "system", "content": model.system})
    return openai_messages(conversation, dialect)


def openai_messages(messages: Sequence[Mapping[str, Any]], dialect: Dialect) -> list[Message]:
    """Translates messages of Ollama to messages of OpenAI, one each, in order.

    Roles are lower-cased and not checked, contents are never null. Every tool call has an id, and
    every result the id of the call that it answers, so that a strict backend accepts a second turn.
    Earlier `thinking` is not sent (golden chat/native-tool-result-ids), except that before a call
    where the backend requires it, as an empty text if there is none.
    """
    if all(map(_is_openai, messages)):
        return [dict(message) for message in messages]
    identified = _identify(messages)
    return [
        _message(message, ids, dialect) for message, ids in zip(messages, identified, strict=True)
    ]


def _is_openai(message: Mapping[str, Any]) -> bool:
    """Tests for a message with a role and a text only, which both APIs write alike."""
    return (
        message.keys() == _PLAIN_KEYS
        and message["role"] in _ROLES
        and isinstance(message["content"], str)
    )


def _role(message: Mapping[str, Any]) -> str:
    return (message.get("role") or "").lower()


def _message(message: Mapping[str, Any], ids: Sequence[str], dialect: Dialect) -> Message:
    role = _role(message)
    result: Message = {"role": role, "content": _content(message)}
    if calls := message.get("tool_calls"):
        result["tool_calls"] = [
            {"id": identifier, "type": "function", "function": _function(call)}
            for identifier, call in zip(ids, calls, strict=True)
        ]
        if dialect.thoughts_back:
            result[dialect.reasoning] = message.get("thinking") or ""
    elif role == "tool":
        result["tool_call_id"] = ids[0]
        if dialect.tool_name and message.get("tool_name"):
            result["name"] = message["tool_name"]
    return result


def _content(message: Mapping[str, Any]) -> str | list[dict[str, Any]]:
    text: str = message.get("content") or ""
    images = message.get("images")
    if not images:
        return text
    parts = media_parts(images)
    return [{"type": "text", "text": text}, *parts] if text else parts


def _function(call: Mapping[str, Any] | None) -> dict[str, str]:
    function = (call or {}).get("function") or {}
    arguments = json.dumps(
        function.get("arguments") or {}, ensure_ascii=False, separators=(",", ":")
    )
    return {"name": function.get("name") or "", "arguments": arguments}


def _identify(messages: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Returns for each message the ids of its calls, or of the call that it answers, or none."""
    identified: list[list[str]] = [[] for _ in messages]
    fresh = _fresh_ids(messages)
    calls: list[tuple[str, str]] = []  # id and name of each, of the latest message that calls
    results: list[int] = []
    for position, message in enumerate(messages):
        if message.get("tool_calls"):
            _match_results(messages, calls, results, identified, fresh)
            calls = [_call_identity(call, fresh) for call in message["tool_calls"]]
            results = []
            identified[position] = [identifier for identifier, _ in calls]
        elif _role(message) == "tool":
            results.append(position)
    _match_results(messages, calls, results, identified, fresh)
    return identified


def _call_identity(call: Mapping[str, Any] | None, fresh: Iterator[str]) -> tuple[str, str]:
    call = call or {}
    return call.get("id") or next(fresh), (call.get("function") or {}).get("name") or ""


def _match_results(
    messages: Sequence[Mapping[str, Any]],
    calls: Sequence[tuple[str, str]],
    results: Sequence[int],
    identified: list[list[str]],
    fresh: Iterator[str],
) -> None:
    """Assigns a call to each result: by id, else by name and order, else by order alone.

    A result without a call has its own id or a new one; the backend decides what it answers.
    """
    open_calls = list(calls)
    waiting = list(results)
    for matches in _MATCHES:
        unmatched = []
        for position in waiting:
            result = messages[position]
            call = next((call for call in open_calls if matches(result, *call)), None)
            if call is None:
                unmatched.append(position)
            else:
                open_calls.remove(call)
                identified[position] = [call[0]]
        waiting = unmatched
    for position in waiting:
        identified[position] = [messages[position].get("tool_call_id") or next(fresh)]


_MATCHES: tuple[Callable[[Mapping[str, Any], str, str], bool], ...] = (
    lambda result, identifier, _: result.get("tool_call_id") == identifier,
    lambda result, _, name: bool(name) and result.get("tool_name") == name,
    lambda *_: True,
)
"""How a result (a message) finds its call (id and name), the best match first."""


def _fresh_ids(messages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yields ids that no message uses, the same for the same conversation (for prompt caches).

    They are nine letters and digits, the only form that Mistral accepts.
    """
    used = {message.get("tool_call_id") for message in messages}
    used |= {
        (call or {}).get("id") for message in messages for call in message.get("tool_calls") or ()
    }
    number = 0
    while True:
        number += 1
        if (identifier := f"call{number:05d}") not in used:
            yield identifier
