"""The dresses of `/v1/messages` and `/v1/responses`: the recordings, and the order of events."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import OllamaError
from proxy.gojson.encode import dumps
from proxy.translate import anthropic, responses
from proxy.translate.anthropic_answers import MessagesDress
from proxy.translate.delta import Ending, Piece, ToolCall, Usage
from proxy.translate.responses_answers import ResponsesDress
from tests.operations.recorded import cases, recorded

ANSWERED = re.compile(r"(plain|length|empty|thinking-[a-z]+|native-tool-call|system-[a-z]+)")
SERIAL = re.compile(r"\b(resp|msg|fc|rs)_[0-9a-z_]+|(?<=_at\":)\d+")


def masked(text: str) -> str:
    return SERIAL.sub("N", text)


def answer(case: dict[str, Any], limit: int | None) -> tuple[list[Piece], Ending]:
    """The script of a recording as Pieces and an Ending, with the recorded counts."""
    script = (case.get("script") or [{"chunks": ["Hello", " there", "!"]}])[0]
    pieces: list[Piece] = []
    calls: list[ToolCall] = []
    thinks = False
    for chunk in script["chunks"][:limit]:
        if isinstance(chunk, dict):
            calls += [
                ToolCall(number, call["id"], call["name"], call["arguments"])
                for number, call in enumerate(chunk["tool_calls"])
            ]
        elif chunk in ("<think>", "</think>"):
            thinks = chunk == "<think>"
        else:
            pieces.append(Piece("", chunk) if thinks else Piece(chunk))
    told = "".join(case["response"].get("events") or [case["response"].get("body", "")])
    counted = re.findall(r'"input_tokens":(\d+).*?"output_tokens":(\d+)', told)[-1]
    reason = "length" if limit == 2 else "stop"
    return pieces, Ending(reason, Piece(), calls, Usage(int(counted[0]), int(counted[1])))


def whole(pieces: list[Piece], ending: Ending) -> Ending:
    ending.piece = Piece(
        "".join(piece.content for piece in pieces), "".join(piece.thinking for piece in pieces)
    )
    return ending


def shown(events: list[dict[str, Any]]) -> list[str]:
    return [f"event: {one['type']}\ndata: {dumps(one).decode()}" for one in events]


def compare(case: dict[str, Any], dress: Any, limit: int | None) -> None:
    pieces, ending = answer(case, limit)
    if "events" not in case["response"]:
        found = dumps(dress.whole(whole(pieces, ending))).decode()
        assert masked(found) == masked(case["response"]["body"].strip())
        return
    events = [event for piece in pieces for event in dress.pieces([piece])]
    found_events = shown([*events, *dress.ending(ending)])
    # The estimate before the count differs by the white space of the client's schemas.
    estimate = re.compile(r'(?<="input_tokens":)\d+(?=,"output_tokens":0}}})')
    assert [estimate.sub("N", masked(one)) for one in found_events] == [
        estimate.sub("N", masked(one)) for one in case["response"]["events"]
    ]


@pytest.mark.parametrize(
    "name", [n for n in recorded("anthropic") if ANSWERED.fullmatch(n[10:].removesuffix("-stream"))]
)
def test_a_message_looks_as_recorded(name: str) -> None:
    case = cases("anthropic")[name]
    body = case["request"]["body"]
    limit = body["max_tokens"] if body["max_tokens"] < 10 else None
    compare(case, MessagesDress(body["model"], anthropic.estimated_tokens(body)), limit)


@pytest.mark.parametrize("name", recorded("openai", r"responses-(items|schema|history)"))
def test_a_response_looks_as_recorded(name: str) -> None:
    case = cases("openai")[name]
    body = case["request"]["body"]
    compare(case, ResponsesDress(body, 1), body.get("max_output_tokens"))


def test_the_estimate_is_a_fourth_of_the_bytes() -> None:
    body = cases("anthropic")["anthropic/native-tool-call"]["request"]["body"]
    assert 50 <= anthropic.estimated_tokens(body) <= 63
    assert anthropic.estimated_tokens({"messages": [{"role": "user", "content": "Hi"}]}) == 1


REFUSED = [
    name
    for area in ("anthropic", "openai")
    for name in recorded(area, r"^anthropic/|/responses-bad")
    if cases(area)[name]["response"]["headers"].get("Content-Type", "").endswith("utf-8")
]


@pytest.mark.parametrize("name", REFUSED)
def test_a_body_is_refused_as_recorded(name: str) -> None:
    case = cases(name.partition("/")[0])[name]
    translate = anthropic.chat_body if name.startswith("anthropic") else responses.chat_body
    with pytest.raises(OllamaError) as refused:
        translate(case["request"]["body"])
    assert refused.value.status == case["response"]["status"]
    assert refused.value.message == json.loads(case["response"]["body"])["error"]["message"]


def test_tools_over_two_turns_become_ollamas_messages() -> None:
    use = {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}}
    result = {"type": "tool_result", "tool_use_id": "c1", "content": "2"}
    turns = [
        {"role": "assistant", "content": [use]},
        {"role": "user", "content": [{"type": "text", "text": "so?"}, result]},
    ]
    call = {"id": "c1", "function": {"name": "f", "arguments": {"a": 1}}}
    expected = [
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": "2", "tool_call_id": "c1"},
    ]
    body = {"model": "m", "max_tokens": 5, "messages": turns}
    assert anthropic.chat_body(body)["messages"] == [
        *expected,
        {"role": "user", "content": "so?"},
    ]
    items = [
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"a":1}'},
        {"type": "function_call_output", "call_id": "c1", "output": "2"},
    ]
    assert responses.chat_body({"model": "m", "input": items})["messages"] == expected


PIECES = st.builds(Piece, st.text(max_size=3), st.text(max_size=3))
ENDINGS = st.builds(
    Ending,
    st.sampled_from(["stop", "length"]),
    PIECES,
    st.lists(st.just(ToolCall(0, "c", "f", {"a": 1})), max_size=2),
)


@given(st.lists(PIECES, max_size=6), ENDINGS)
def test_blocks_of_a_message_open_and_close_in_turn(pieces: list[Piece], ending: Ending) -> None:
    dress = MessagesDress("m", 1)
    events = [event for piece in pieces for event in dress.pieces([piece])]
    events += dress.ending(ending)
    kinds = [event["type"].removeprefix("content_block_") for event in events]
    order = " ".join(kinds)
    assert re.fullmatch(r"message_start( start( delta)+ stop)* message_delta message_stop", order)
    starts = [event["index"] for event in events if event["type"] == "content_block_start"]
    assert starts == list(range(len(starts)))


@given(st.lists(PIECES, max_size=6), ENDINGS)
def test_items_of_a_response_open_and_close_in_turn(pieces: list[Piece], ending: Ending) -> None:
    dress = ResponsesDress({"model": "m"}, 1)
    events = [event for piece in pieces for event in dress.pieces([piece])]
    events += dress.ending(ending)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert [event["type"] for event in events[:2]] == ["response.created", "response.in_progress"]
    items = [event for event in events if ".output_item." in event["type"]]
    assert [event["output_index"] for event in items[::2]] == list(range(len(items) // 2))
    assert all(event["type"].endswith("added") for event in items[::2])
    done = [event["item"] for event in items[1::2]]
    assert done == events[-1]["response"]["output"]


def test_a_response_that_breaks_off_fails() -> None:
    dress = ResponsesDress({"model": "m"}, 1)
    dress.pieces([Piece("a")])
    last = dress.failed(OllamaError(500, "gone"))[-1]
    assert last["type"] == "response.failed"
    assert last["response"]["status"] == "failed"
    assert last["response"]["error"]["message"] == "gone"
