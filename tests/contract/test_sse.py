"""The events of a stream as OpenAI's clients read it: what breaks them is named."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ollama_contract import invariants
from tests.contract.made import exchange

PATH = "/v1/chat/completions"
HEADERS = (("Content-Type", "text/event-stream"),)
CHUNK = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
PIECE = {**CHUNK, "choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": None}]}
END = {**CHUNK, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
USAGE = {**CHUNK, "choices": [], "usage": {}}
DONE = "data: [DONE]\n\n"


def written(*chunks: dict[str, Any]) -> str:
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks)


def found(text: str) -> list[str]:
    made = exchange("POST", PATH, {"model": "m"}, text.encode(), headers=HEADERS)
    return [expected for expected, _ in invariants.faults(made)]


def test_a_good_stream_of_events_has_no_fault() -> None:
    assert found(written(PIECE, END, USAGE) + DONE) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (written(PIECE, END), "[DONE] once, at the end"),
        (written(PIECE, END) + DONE + DONE, "[DONE] once, at the end"),
        (written(PIECE, END) + DONE.rstrip(), "events that each end with an empty line"),
        (written(PIECE, END).replace("data: ", "", 1) + DONE, "events of one line of data"),
        ("data: {\n\n" + DONE, "data in JSON"),
        ("data: []\n\n" + DONE, "data that is an object"),
        (written(PIECE, END, END) + DONE, "one chunk with a finish_reason for each choice"),
        (written(PIECE) + DONE, "one chunk with a finish_reason for each choice"),
        (written(PIECE, {**END, "id": "d"}) + DONE, "one id in all chunks"),
        (
            written(PIECE, {**END, "object": "chat.completion"}) + DONE,
            "chunks whose object is chat.completion.chunk",
        ),
    ],
)
def test_a_fault_of_a_stream_of_events_is_named(text: str, fault: str) -> None:
    assert fault in found(text)


def named(*events: dict[str, Any]) -> str:
    return "".join(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n" for one in events)


def faults_of(path: str, text: str) -> list[str]:
    made = exchange("POST", path, {"model": "m"}, text.encode(), headers=HEADERS)
    return [expected for expected, _ in invariants.faults(made)]


START: dict[str, Any] = {"type": "message_start", "message": {}}
BLOCK: dict[str, Any] = {"type": "content_block_start", "index": 0, "content_block": {}}
DELTA: dict[str, Any] = {"type": "content_block_delta", "index": 0, "delta": {}}
CLOSED: dict[str, Any] = {"type": "content_block_stop", "index": 0}
ENDING: dict[str, Any] = {"type": "message_delta", "delta": {}}
STOP: dict[str, Any] = {"type": "message_stop"}
ERROR: dict[str, Any] = {"type": "error", "error": {"type": "api_error", "message": "no"}}
MESSAGE = (START, {"type": "ping"}, BLOCK, DELTA, DELTA, CLOSED, ENDING, STOP)
IN_ORDER = "the events of a message in their order"


@pytest.mark.parametrize(
    ("events", "fault"),
    [
        (MESSAGE, ""),
        ((START, BLOCK, DELTA, ERROR), ""),
        ((*MESSAGE[:-2], STOP, ENDING), IN_ORDER),
        (MESSAGE[1:], IN_ORDER),
        ((START, BLOCK, DELTA, ENDING, STOP), IN_ORDER),
        ((*MESSAGE, {"type": "surprise"}), IN_ORDER),
        ((START, {**BLOCK, "index": 1}, CLOSED, ENDING, STOP), "blocks that are counted from zero"),
    ],
)
def test_the_events_of_a_message_have_an_order(events: Any, fault: str) -> None:
    assert faults_of("/v1/messages", named(*events)) == ([fault] if fault else [])


def numbered(*kinds: str) -> list[dict[str, Any]]:
    return [{"type": f"response.{kind}", "sequence_number": at} for at, kind in enumerate(kinds)]


@pytest.mark.parametrize(
    ("events", "fault"),
    [
        (numbered("created", "in_progress", "completed"), ""),
        (numbered("created", "failed"), ""),
        (numbered("in_progress", "completed"), "response.created first"),
        (numbered("created", "in_progress"), "response.created first"),
        ([{"type": "response.created"}, *numbered("completed")], "sequence_number counts"),
        (numbered("created", "in_progress", "completed")[::2], "sequence_number counts"),
    ],
)
def test_the_events_of_a_response_are_counted(events: Any, fault: str) -> None:
    found = faults_of("/v1/responses", named(*events))
    assert [fault in one for one in found] == ([True] if fault else [])


def test_an_event_has_the_name_of_its_type() -> None:
    text = named(*MESSAGE).replace("event: ping", "event: pong")
    assert faults_of("/v1/messages", text) == ["events named by their type"]
