"""What holds for every answer is found in none of Ollama's, and its contrary is named."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ollama_contract import invariants
from ollama_contract.recording import Exchange
from tests.contract.made import exchange
from tests.golden.recordings import Case, cases

# Where the runner fails, Ollama's own answers break these rules; a suite asks servers that work.
BROKEN = {
    "no status 500, but for the texts that are documented",
    "exactly one line with done: true, and that the last",
    "at least one line",
    "lines that each end with a newline, none of them empty",
    "[DONE] once, at the end",
}
KNOWN = {
    # A runner that counts nothing.
    "chat/zero-counts": {"eval_count of what was generated"},
    "chat/zero-counts-stream": {"eval_count of what was generated"},
    # A stream that broke off, which Ollama just ends.
    "anthropic/error-middle-stream": {"the events of a message in their order"},
    "openai/responses-error-middle-stream": {
        "response.created first, and an end of the response last"
    },
    # A name with a slash is another path.
    "openai/model-slash": {"a content type of application/json for 404"},
    "openai/model-slash-escaped": {"a content type of application/json for 404"},
    # Another host, which is not there.
    "remote/load": {"a content type of application/json for 500"},
}


def recorded(case: Case) -> Exchange:
    """What was recorded, as if it had come now; the real model took its time."""
    headers = [(name, str(value)) for name, value in case.response["headers"].items()]
    path = str(case.request["path"])
    return Exchange(
        str(case.request["method"]),
        f"http://server.test{path}",
        path,
        [],
        case.data() or b"",
        case.response["status"],
        headers,
        [(20.0 if case.area == "real" else 0.05, case.text().encode())],
        complete="connection_cut" not in case.response,
    )


@pytest.mark.parametrize("area", sorted({case.area for case in cases().values()}))
def test_nothing_is_found_in_what_ollama_answered(area: str) -> None:
    found = {}
    for case in cases().values():
        if case.area == area:
            faults = {expected for expected, _ in invariants.faults(recorded(case))}
            failing = case.response["status"] >= 500 or area == "failures"
            faults -= KNOWN.get(case.name, set())
            faults -= BROKEN if failing or area in ("openai", "anthropic") else set()
            if faults:
                found[case.name] = faults
    assert found == {}


MOMENT = "2026-11-24T23:30:00.{}Z"
FRAME = {"model": "m", "created_at": MOMENT.format("1"), "done": False}
PIECE = {**FRAME, "message": {"role": "assistant", "content": "a"}}
END = {
    **FRAME,
    "created_at": MOMENT.format("2"),
    "message": {"role": "assistant", "content": ""},
    "done": True,
    "done_reason": "stop",
    "total_duration": 400_000_000,
    "load_duration": 1_000_000,
    "prompt_eval_count": 5,
    "prompt_eval_duration": 10_000_000,
    "eval_count": 2,
    "eval_duration": 300_000_000,
}
ASKED = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
NDJSON = (("Content-Type", "application/x-ndjson"), ("Date", "Tue, 24 Nov 2026 23:30:00 GMT"))


def without(frame: dict[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in frame.items() if key not in names}


def found(*frames: dict[str, Any], **options: Any) -> list[str]:
    answer = "".join(json.dumps(frame) + "\n" for frame in frames).encode()
    requested = {**ASKED, **({"options": options} if options else {})}
    made = exchange(body=requested, answer=answer, headers=NDJSON)
    return [expected for expected, _ in invariants.faults(made)]


def test_a_good_stream_has_no_fault() -> None:
    assert found(PIECE, PIECE, END) == []


@pytest.mark.parametrize(
    ("frames", "fault"),
    [
        ((PIECE, END, END), "exactly one line with done: true, and that the last"),
        ((PIECE,), "exactly one line with done: true, and that the last"),
        ((END, PIECE), "exactly one line with done: true, and that the last"),
        ((PIECE, END, {"error": "late"}), "no line says done where the last line is an error"),
        (({"error": "early"}, END), "an error only as the last line"),
        ((PIECE, {**END, "model": "other"}), "the same model in every line"),
        (
            (PIECE, {**END, "created_at": "2026-11-24 23:30:00"}),
            "a body of 200 that fits the contract",
        ),
        ((PIECE, {**END, "created_at": MOMENT.format("01")}), "created_at never goes back"),
        (
            tuple({**frame, "created_at": "2024-01-01T00:00:00Z"} for frame in (PIECE, END)),
            "created_at is the time of the server's own clock",
        ),
        (
            ({**PIECE, "eval_count": 1}, END),
            "reason, durations and counts only in the last line",
        ),
        (
            (PIECE, {**END, "done_reason": "tool_calls"}),
            "a body of 200 that fits the contract",
        ),
        (
            (PIECE, {**END, "message": {"role": "model", "content": ""}}),
            "the role assistant",
        ),
        ((PIECE, without(END, "total_duration")), "total_duration in the last line"),
        (
            (PIECE, {**END, "eval_duration": 3_000_000_000}),
            "durations that add up to at most total_duration",
        ),
        (
            (PIECE, {**END, "total_duration": 400_000_000_000}),
            "total_duration in nanoseconds, no longer than the answer took",
        ),
        (
            (PIECE, {**END, "total_duration": 400, "eval_duration": 40_000}),
            "total_duration in nanoseconds",
        ),
        ((PIECE, {**END, "eval_duration": 300}), "eval_duration in nanoseconds"),
        ((PIECE, {**END, "prompt_eval_duration": 10}), "prompt_eval_duration in nanoseconds"),
        ((PIECE, without(END, "eval_count")), "eval_count of what was generated"),
    ],
)
def test_a_fault_of_a_stream_is_named(frames: tuple[dict[str, Any], ...], fault: str) -> None:
    assert any(one.startswith(fault) for one in found(*frames))


def test_more_tokens_than_were_asked_for_are_a_fault() -> None:
    assert found(PIECE, END, num_predict=1) == ["an eval_count within num_predict"]


def test_fewer_tokens_than_the_limit_that_ended_the_answer_are_a_fault() -> None:
    ended = {**END, "done_reason": "length"}
    assert found(PIECE, ended, num_predict=2) == []
    assert found(PIECE, ended, num_predict=9) == [
        "an eval_count of num_predict where the reason is length"
    ]
