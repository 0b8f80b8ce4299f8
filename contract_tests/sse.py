"""What has to hold for the events of the routes of OpenAI and Anthropic."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from contract_tests.contract import Operation
from contract_tests.frames import Fault

CHUNKS = {
    "create_chat_completion": "chat.completion.chunk",
    "create_completion": "text_completion",
}


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
        values.append(value)
    ended = last == "[DONE]" or '"error"' in last
    if operation.name in ("create_chat_completion", "create_completion") and not ended:
        yield "[DONE] once, at the end", repr(text[-500:])
    if operation.name in CHUNKS and ended and '"error"' not in last:
        yield from _chunks(CHUNKS[operation.name], values)


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
