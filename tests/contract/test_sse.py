"""The events of a stream as OpenAI's clients read it: what breaks them is named."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contract_tests import invariants
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
