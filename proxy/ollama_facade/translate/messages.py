"""The messages of a chat as OpenAI has them (inference.md §2.6, §6.3)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ollama_facade.translate.dialects import Dialect
from ollama_facade.translate.images import media_parts
from ollama_facade.translate.models import Model

Message = dict[str, Any]

_PLAIN = {"role", "content"}
_ROLES = frozenset(("system", "user", "assistant"))


def chat_messages(
    messages: Sequence[Mapping[str, Any] | None], model: Model, dialect: Dialect
) -> list[Message]:
    """What the backend is sent: the model's own messages, then the request's.

    The model's system text comes first unless the request begins with a system message.
    """
    given: list[Mapping[str, Any]] = [message or {} for message in messages]
    told: list[Mapping[str, Any]] = [*model.messages, *given]
    if model.system and given and _role(given[0]) != "system":
        told.insert(0, {"role": "system", "content": model.system})
    return openai_messages(told, dialect)


def openai_messages(messages: Sequence[Mapping[str, Any]], dialect: Dialect) -> list[Message]:
    """Ollama messages as OpenAI messages, one each, in order.

    Roles are lower-cased and not judged, contents are never null. Every tool call has an id, and
    every result the id of the call that it answers, so that a strict backend accepts a second turn.
    Earlier `thinking` is not sent (golden chat/native-tool-result-ids), but for that before a call
    where the backend insists on it; no thoughts are an empty text then.
    """
    if all(map(_is_openai, messages)):
        return [dict(message) for message in messages]
    identified = _identify(messages)
    return [
        _message(message, ids, dialect) for message, ids in zip(messages, identified, strict=True)
    ]


def _is_openai(message: Mapping[str, Any]) -> bool:
    """Whether a message is a role and a text, which both write alike; nearly all are."""
    return (
        message.keys() == _PLAIN
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
    """For each message the ids of its calls, or the id of the call that it answers, or none."""
    identified: list[list[str]] = [[] for _ in messages]
    fresh = _fresh_ids(messages)
    calls: list[tuple[str, str]] = []  # id and name of each, of the latest message that calls
    results: list[int] = []
    for position, message in enumerate(messages):
        if message.get("tool_calls"):
            _settle(messages, calls, results, identified, fresh)
            calls = [_call_identity(call, fresh) for call in message["tool_calls"]]
            results = []
            identified[position] = [identifier for identifier, _ in calls]
        elif _role(message) == "tool":
            results.append(position)
    _settle(messages, calls, results, identified, fresh)
    return identified


def _call_identity(call: Mapping[str, Any] | None, fresh: Iterator[str]) -> tuple[str, str]:
    call = call or {}
    return call.get("id") or next(fresh), (call.get("function") or {}).get("name") or ""


def _settle(
    messages: Sequence[Mapping[str, Any]],
    calls: Sequence[tuple[str, str]],
    results: Sequence[int],
    identified: list[list[str]],
    fresh: Iterator[str],
) -> None:
    """Gives each result its call: by id, else by name and order, else by order alone.

    A result without a call keeps its id, or gets one: what it answers is for the backend to judge.
    """
    open_calls = list(calls)
    waiting = list(results)
    for matches in (_same_id, _same_name, _any):
        left = []
        for position in waiting:
            call = next((one for one in open_calls if matches(messages[position], *one)), None)
            if call is None:
                left.append(position)
            else:
                open_calls.remove(call)
                identified[position] = [call[0]]
        waiting = left
    for position in waiting:
        identified[position] = [messages[position].get("tool_call_id") or next(fresh)]


def _same_id(result: Mapping[str, Any], identifier: str, _: str) -> bool:
    return result.get("tool_call_id") == identifier


def _same_name(result: Mapping[str, Any], _: str, name: str) -> bool:
    return bool(name) and result.get("tool_name") == name


def _any(_result: Mapping[str, Any], _identifier: str, _name: str) -> bool:
    return True


def _fresh_ids(messages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Ids that no message uses, the same for the same conversation, so that prompts stay cached.

    Nine letters and digits: Mistral takes no other form.
    """
    taken = {message.get("tool_call_id") for message in messages}
    taken |= {
        (call or {}).get("id") for message in messages for call in message.get("tool_calls") or ()
    }
    number = 0
    while True:
        number += 1
        if (identifier := f"call{number:05d}") not in taken:
            yield identifier
