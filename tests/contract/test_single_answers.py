"""What holds for single answers; and how an answer that is wrong in many ways is told of."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ollama_contract import invariants
from tests.contract.made import exchange
from tests.contract.test_invariants import ASKED, END, NDJSON, PIECE, found

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
    assert any(one.startswith(fault) for one in of(method, path, body, answer, status))


def test_another_content_type_is_a_fault() -> None:
    plain = (("Content-Type", "text/plain"),)
    found = of("GET", "/api/version", None, {"version": "1.2.3"}, headers=plain)
    assert found == ["a content type of application/json for 200"]


def test_every_place_that_does_not_fit_is_named_and_the_values_are_looked_at_all_the_same() -> None:
    bad = {**END, "eval_count": "2", "created_at": "2026-11-24 23:30:00", "total_duration": 400}
    answers = found(PIECE, bad)
    for place in ("created_at", "eval_count"):
        assert f"a body of 200 that fits the contract at $.{place}" in answers
    assert "created_at in RFC 3339 with an offset" in answers
    assert "total_duration in nanoseconds" in answers


def test_lines_with_a_carriage_return_are_a_fault() -> None:
    answer = "".join(json.dumps(frame) + "\r\n" for frame in (PIECE, END)).encode()
    made = exchange(body=ASKED, answer=answer, headers=NDJSON)
    faults = [expected for expected, _ in invariants.faults(made)]
    assert faults == ["lines that end with a newline alone"]


def test_a_body_that_is_compressed_unasked_is_a_fault() -> None:
    zipped = (*JSON, ("Content-Encoding", "gzip"))
    faults = of("GET", "/api/version", None, b"\x1f\x8b", headers=zipped)
    assert faults[0] == "a body that is not compressed, as nobody asked for it"


def test_an_hour_beside_the_clock_is_a_fault() -> None:
    late = [{**one, "created_at": "2026-11-25T00:30:00Z"} for one in (PIECE, END)]
    assert found(*late) == ["created_at is the time of the server's own clock"]


def test_an_answer_that_was_cut_short_by_the_test_is_not_judged() -> None:
    made = exchange(body=ASKED, answer=b'{"mod', headers=NDJSON)
    made.complete = False
    assert list(invariants.faults(made)) == []
