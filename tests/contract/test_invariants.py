from __future__ import annotations

import json
from typing import Any

import pytest

from contract_tests import invariants
from contract_tests.recording import Exchange
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
    asked = {**ASKED, **({"options": options} if options else {})}
    made = exchange(body=asked, answer=answer, headers=NDJSON)
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
    assert fault in found(*frames)


def test_more_tokens_than_were_asked_for_are_a_fault() -> None:
    assert found(PIECE, END, num_predict=1) == ["an eval_count within num_predict"]


def test_fewer_tokens_than_the_limit_that_ended_the_answer_are_a_fault() -> None:
    ended = {**END, "done_reason": "length"}
    assert found(PIECE, ended, num_predict=2) == []
    assert found(PIECE, ended, num_predict=9) == [
        "an eval_count of num_predict where the reason is length"
    ]


JSON = (("Content-Type", "application/json; charset=utf-8"),)
VECTORS = {"model": "m", "total_duration": 400_000_000, "load_duration": 1, "prompt_eval_count": 3}
MODEL = {
    "name": "m:latest",
    "model": "m:latest",
    "modified_at": "2026-11-24T23:30:00Z",
    "size": 1,
    "digest": "0" * 64,
    "details": {
        "parent_model": "",
        "format": "gguf",
        "family": "f",
        "families": ["f"],
        "parameter_size": "1B",
        "quantization_level": "Q4_0",
    },
}


def of(method: str, path: str, body: Any, answer: Any, status: int = 200, **more: Any) -> list[str]:
    text = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    made = exchange(method, path, body, text, status, headers=more.get("headers", JSON))
    return [expected for expected, _ in invariants.faults(made)]


def test_good_single_answers_have_no_fault() -> None:
    embed = {**VECTORS, "embeddings": [[0.6, 0.8]]}
    assert of("GET", "/api/version", None, {"version": "0.33.0-rc2"}) == []
    assert of("POST", "/api/embed", {"model": "m", "input": "a"}, embed) == []
    assert of("GET", "/api/tags", None, {"models": [MODEL]}) == []
    assert of("POST", "/api/show", {"model": "x"}, {"error": "model 'x' not found"}, 404) == []
    assert of("POST", "/api/chat", {**ASKED, "stream": False}, END) == []


@pytest.mark.parametrize(
    ("method", "path", "body", "answer", "status", "fault"),
    [
        ("GET", "/api/version", None, {"version": "v1"}, 200, "a version of three numbers"),
        ("GET", "/api/version", None, b"{", 200, "JSON"),
        ("GET", "/api/version", None, {}, 200, "a body of 200 that fits the contract"),
        ("HEAD", "/api/version", None, b"x", 200, "no body"),
        ("POST", "/api/show", {}, {"detail": "x"}, 404, "a body of 404 that fits the contract"),
        ("POST", "/api/show", {}, {"error": ""}, 404, "an error with a text"),
        (
            "POST",
            "/api/show",
            {},
            {"error": "oh"},
            500,
            "no status 500, but for the texts that are documented",
        ),
        (
            "POST",
            "/api/embed",
            {"input": ["a", "b"]},
            {**VECTORS, "embeddings": [[1.0]]},
            200,
            "one vector for each input",
        ),
        (
            "POST",
            "/api/embed",
            {"input": "a"},
            {**VECTORS, "embeddings": [[3.0, 4.0]]},
            200,
            "vectors of length one",
        ),
        ("GET", "/api/tags", None, {"models": [MODEL, MODEL]}, 200, "every model once"),
        (
            "GET",
            "/api/tags",
            None,
            {"models": [{**MODEL, "digest": "sha256:proxy"}]},
            200,
            "a body of 200 that fits the contract",
        ),
        (
            "GET",
            "/api/tags",
            None,
            {"models": [MODEL, {**MODEL, "name": "n:1", "model": "n:1", "size": 2}]},
            200,
            "different models have different digests",
        ),
        ("POST", "/api/chat", ASKED, END, 200, "a stream unless the request says false"),
    ],
)
def test_a_fault_of_a_single_answer_is_named(
    method: str, path: str, body: Any, answer: Any, status: int, fault: str
) -> None:
    assert fault in of(method, path, body, answer, status)


def test_another_content_type_is_a_fault() -> None:
    plain = (("Content-Type", "text/plain"),)
    found = of("GET", "/api/version", None, {"version": "1.2.3"}, headers=plain)
    assert found == ["a content type of application/json for 200"]


def test_an_answer_that_was_cut_short_by_the_test_is_not_judged() -> None:
    made = exchange(body=ASKED, answer=b'{"mod', headers=NDJSON)
    made.complete = False
    assert list(invariants.faults(made)) == []
