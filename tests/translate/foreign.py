"""Recorded answers of `/v1` as what the renderers take, and streams that never were."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import strategies as st

from ollama_facade.golang.encode import dumps
from ollama_facade.translate.deltas import Completion, OutputDelta, ToolCall, Usage

SERIAL = re.compile(r"\b(resp|msg|fc|rs)_[0-9a-z_]+|(?<=_at\":)\d+")


def masked(text: str) -> str:
    return SERIAL.sub("N", text)


def answer(case: dict[str, Any], limit: int | None) -> tuple[list[OutputDelta], Completion]:
    """The script of a recording as deltas and a completion, with the recorded counts."""
    script = (case.get("script") or [{"chunks": ["Hello", " there", "!"]}])[0]
    pieces: list[OutputDelta] = []
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
            pieces.append(OutputDelta("", chunk) if thinks else OutputDelta(chunk))
    reported = "".join(case["response"].get("events") or [case["response"].get("body", "")])
    counted = re.findall(r'"input_tokens":(\d+).*?"output_tokens":(\d+)', reported)[-1]
    reason = "length" if limit == 2 else "stop"
    return pieces, Completion(reason, OutputDelta(), calls, Usage(int(counted[0]), int(counted[1])))


def whole(pieces: list[OutputDelta], ending: Completion) -> Completion:
    ending.output = OutputDelta(
        "".join(piece.content for piece in pieces), "".join(piece.thinking for piece in pieces)
    )
    return ending


def shown(events: list[dict[str, Any]]) -> list[str]:
    return [f"event: {one['type']}\ndata: {dumps(one).decode()}" for one in events]


def compare(case: dict[str, Any], renderer: Any, limit: int | None) -> None:
    pieces, ending = answer(case, limit)
    if "events" not in case["response"]:
        found = dumps(renderer.render_response(whole(pieces, ending), "", {})).decode()
        assert masked(found) == masked(case["response"]["body"].strip())
        return
    events = [event for piece in pieces for event in renderer.render_deltas([piece], "")]
    found_events = shown([*events, *renderer.render_end(ending, "", {})])
    # The estimate before the count differs by the white space of the client's schemas.
    estimate = re.compile(r'(?<="input_tokens":)\d+(?=,"output_tokens":0}}})')
    assert [estimate.sub("N", masked(one)) for one in found_events] == [
        estimate.sub("N", masked(one)) for one in case["response"]["events"]
    ]


DELTAS = st.builds(OutputDelta, st.text(max_size=3), st.text(max_size=3))
COMPLETIONS = st.builds(
    Completion,
    st.sampled_from(["stop", "length"]),
    DELTAS,
    st.lists(st.just(ToolCall(0, "c", "f", {"a": 1})), max_size=2),
)
