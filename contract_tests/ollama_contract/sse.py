"""What has to hold for the events of the routes of OpenAI and Anthropic."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from ollama_contract.contract import Operation
from ollama_contract.frames import Fault

CHUNKS = {
    "create_chat_completion": "chat.completion.chunk",
    "create_completion": "text_completion",
}


REASONS = ("stop", "length", "tool_calls", "content_filter", "function_call", "load", "unload")
"""Why an answer may have ended, on OpenAI's routes of chunks; the last two are Ollama's own."""

LETTERS = {
    "message_start": "M",
    "content_block_start": "b",
    "content_block_delta": "d",
    "content_block_stop": "e",
    "message_delta": "U",
    "message_stop": "S",
    "ping": "",
}
ORDER = re.compile("M(bd*e)*U+S")
"""The events of a message: each block begins and ends, and what ends the message comes last."""

LAST = ("response.completed", "response.incomplete", "response.failed")


def faults(operation: Operation, text: str) -> Iterator[Fault]:
    """Everything in the events of a whole stream that cannot be right."""
    events = text.split("\n\n")
    if events.pop():
        yield "events that each end with an empty line", repr(text[-300:])
    last, values = "", list[dict[str, Any]]()
    for number, event in enumerate(events, 1):
        data = [line[6:] for line in event.split("\n") if line.startswith("data: ")]
        if len(data) != 1:
            yield "events of one line of data", repr(event[:300])
            return
        last = data[0]
        if last == "[DONE]":
            if number < len(events):
                yield "[DONE] once, at the end", repr(text[-500:])
            continue
        try:
            value = json.loads(last)
        except ValueError as error:
            yield "data in JSON", f"{error}: {last[:300]}"
            return
        if not isinstance(value, dict):
            yield "data that is an object", last[:300]
            return
        named = [line[7:] for line in event.split("\n") if line.startswith("event: ")]
        if operation.name in NAMED and named != [value.get("type")]:
            yield "events named by their type", repr(event[:300])
            return
        values.append(value)
    ended = last == "[DONE]" or '"error"' in last
    if operation.name in ("create_chat_completion", "create_completion") and not ended:
        yield "[DONE] once, at the end", repr(text[-500:])
    if operation.name in CHUNKS and ended and '"error"' not in last:
        yield from _chunks(CHUNKS[operation.name], values)
    failed = bool(values) and values[-1].get("type") == "error"
    if operation.name in NAMED and not failed:
        yield from NAMED[operation.name](values)


def _chunks(kind: str, values: list[dict[str, Any]]) -> Iterator[Fault]:
    """The chunks of one answer: of one kind and one id, with one end for each choice."""
    kinds, names = ({str(value.get(key)) for value in values} for key in ("object", "id"))
    if kinds != {kind}:
        yield f"chunks whose object is {kind}", str(kinds)
    if len(names) > 1:
        yield "one id in all chunks", str(names)
    lists = [value["choices"] for value in values if isinstance(value.get("choices"), list)]
    choices = [one for listed in lists for one in listed if isinstance(one, dict)]
    ends = [str(one.get("index")) for one in choices if one.get("finish_reason")]
    if len(set(ends)) < len(ends) or not ends:
        yield "one chunk with a finish_reason for each choice", str(ends)
    reasons = {str(one["finish_reason"]) for one in choices if one.get("finish_reason")}
    if not reasons <= set(REASONS):
        yield f"a finish_reason of {', '.join(REASONS)}", str(reasons)


def _message(values: list[dict[str, Any]]) -> Iterator[Fault]:
    """The events of one message, in their order; blocks are counted from zero."""
    kinds = [str(value.get("type")) for value in values]
    if not ORDER.fullmatch("".join(LETTERS.get(kind, "?") for kind in kinds)):
        yield "the events of a message in their order", " ".join(kinds)
    places = [one.get("index") for one in values if one.get("type") == "content_block_start"]
    if places != list(range(len(places))):
        yield "blocks that are counted from zero", str(places)


def _response(values: list[dict[str, Any]]) -> Iterator[Fault]:
    """The events of one response: counted from zero, from its making to its end."""
    numbers = [value.get("sequence_number") for value in values]
    if numbers != list(range(len(numbers))):
        yield "events whose sequence_number counts from zero", str(numbers)
    kinds = [str(value.get("type")) for value in values]
    if kinds[:1] != ["response.created"] or kinds[-1] not in LAST:
        yield "response.created first, and an end of the response last", " ".join(kinds)


NAMED: dict[str, Callable[[list[dict[str, Any]]], Iterator[Fault]]] = {
    "create_message": _message,
    "create_response": _response,
}
"""Routes whose events have names, and what holds for all events of an answer."""
