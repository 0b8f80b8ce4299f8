"""faults.md rows 41 to 70: what a backend may do in the middle of a stream."""

from __future__ import annotations

import gzip
import itertools
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import raw
from tests.robustness.bench import CHAT, Bench, error_of, frames_of
from tests.service import wait_until
from tests.upstream import (
    Scenario,
    Step,
    answer,
    cut,
    done,
    drip,
    event,
    finish,
    flood,
    heartbeat,
    opened,
    pause,
    reset,
    say,
    sliced,
    stall,
    usage,
)
from tests.upstream import raw as raw_bytes
from tests.upstream.connection import Connection

ENDED = "backend stream ended before it finished"
UNREADABLE = "backend sent something unreadable"
LOST = "backend connection was lost"


def chunk(delta: Any, finish_reason: Any = None, **more: Any) -> Step:
    """An event with one choice, in which anything may stand."""
    one = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return event({"choices": [one], **more})


def broken(bench: Bench, scenario: Scenario, text: str, *, frames: str = "Hello") -> raw.Answer:
    """A stream that begins well and ends in an error line, and a proper end of the body."""
    answered = bench.chat(scenario)
    assert answered.status == 200, answered.text
    assert answered.header("content-type") == "application/x-ndjson"
    assert error_of(answered) == text
    assert frames_of(answered) == frames
    assert not any(line.get("done") for line in answered.lines())
    return answered


def whole(bench: Bench, scenario: Scenario, content: str) -> dict[str, Any]:
    """A stream that comes to its end; gives the last frame."""
    answered = bench.chat(scenario)
    assert answered.status == 200, answered.text
    assert frames_of(answered) == content
    assert [line["done"] for line in answered.lines()].count(True) == 1
    last: dict[str, Any] = answered.lines()[-1]
    assert last["done"] is True
    return last


def refused(bench: Bench, scenario: Scenario, status: int, text: str) -> None:
    """A failure before the first frame: a true status, streamed or not."""
    answered = bench.chat(scenario)
    assert (answered.status, error_of(answered)) == (status, text)


HELLO = say("Hel", "lo")
END = [finish(), done()]


@pytest.mark.parametrize("chunked", (True, False))
def test_r41_a_stream_that_stops_short_says_so(bench: Bench, chunked: bool) -> None:
    text = LOST if chunked else ENDED
    broken(bench, [opened(chunked=chunked), HELLO, cut()], text)
    if chunked:
        broken(bench, [HELLO], ENDED)


def test_r42_a_stream_that_never_begins_is_a_status(bench: Bench) -> None:
    refused(bench, [opened()], 502, ENDED)
    refused(bench, [opened(chunked=False), cut()], 502, ENDED)


def test_r43_a_mark_of_the_end_without_a_reason_is_no_end(bench: Bench) -> None:
    broken(bench, [HELLO, done()], ENDED)


def test_r44_a_reason_without_the_mark_is_an_end(bench: Bench) -> None:
    assert whole(bench, [HELLO, finish()], "Hello")["done_reason"] == "stop"
    whole(bench, [opened(chunked=False), HELLO, finish(), cut()], "Hello")


def test_r45_a_stream_that_parks_after_its_end_is_left(bench: Bench) -> None:
    assert "eval_count" not in whole(bench, [HELLO, finish(), heartbeat(0.02)], "Hello")
    whole(bench, [HELLO, finish(), stall()], "Hello")
    # Sooner than one that has said nothing of its end.
    assert bench.upstream.wait_for_hang_up() >= 0


def test_r46_what_follows_the_end_is_not_reported(bench: Bench) -> None:
    last = whole(bench, [HELLO, finish("length"), finish("stop"), done(), say("no")], "Hello")
    assert last["done_reason"] == "length"
    whole(bench, [HELLO, finish(), say(" more"), done()], "Hello")


@pytest.mark.parametrize(
    ("reported", "counts"),
    (
        (None, (None, None)),
        ({}, (None, None)),
        ({"prompt_tokens": "5", "completion_tokens": [1]}, (None, None)),
        ({"prompt_tokens": -5, "completion_tokens": True}, (None, None)),
        ({"prompt_tokens": 5}, (5, None)),
        ({"prompt_tokens": 5, "completion_tokens": 7}, (5, 7)),
    ),
)
def test_r47_counts_are_the_backends_or_none(
    bench: Bench, reported: Any, counts: tuple[int | None, int | None]
) -> None:
    account = event({"choices": [], "usage": reported})
    for scenario in ([HELLO, finish(), account, done()], [account, HELLO, account, *END]):
        last = whole(bench, scenario, "Hello")
        assert (last.get("prompt_eval_count"), last.get("eval_count")) == counts


def test_r48_events_come_in_any_order_and_together(bench: Bench) -> None:
    together = chunk({"content": "lo"}, "stop", usage={"prompt_tokens": 1, "completion_tokens": 2})
    opener = [chunk({"role": "assistant", "content": None}), chunk({}), chunk({"content": ""})]
    answered = bench.chat([usage(1, 2), *opener, say("Hel"), together, done()])
    assert frames_of(answered) == "Hello"
    assert answered.lines()[-1]["eval_count"] == 2
    assert all(line["done"] or line["message"]["content"] for line in answered.lines())


@pytest.mark.parametrize(
    "odd", ({}, {"choices": None}, {"choices": []}, {"choices": 5}, {"choices": [None]})
)
def test_r49_an_event_without_a_choice_says_nothing(bench: Bench, odd: Any) -> None:
    second = {"index": 1, "delta": {"content": "other"}, "finish_reason": "stop"}
    first = {"index": 0, "delta": {"content": "lo"}, "finish_reason": None}
    scenario = [event(odd), say("Hel"), event({"choices": [second]})]
    whole(bench, [*scenario, event({"choices": [second, first]}), *END], "Hello")


def test_r50_a_delta_may_be_almost_anything(bench: Bench) -> None:
    parts = [{"type": "text", "text": "H"}, "el", {"type": "x"}, None]
    odd = [chunk(None), chunk({"content": None}), chunk({"x": 1}), chunk([]), chunk("x")]
    whole(bench, [*odd, chunk({"content": parts}), say("lo"), *END], "Hello")
    broken(bench, [HELLO, chunk({"content": 5})], UNREADABLE)
    refused(bench, [chunk({"content": 5})], 502, UNREADABLE)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(("choices", "delta", "content", "error", "usage", "index", "message"))
            | st.text(max_size=3),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)
FUZZ = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@given(value=JSON_VALUES, delta=JSON_VALUES)
@FUZZ
def test_r50_any_json_is_an_answer_or_one_error(bench: Bench, value: Any, delta: Any) -> None:
    answered = bench.chat([HELLO, event(value), chunk(delta), *END])
    last = answered.lines()[-1]
    assert last.get("done") is True or set(last) == {"error"}, answered.text
    assert frames_of(answered).startswith("Hello")


@pytest.mark.parametrize(
    "odd", (b"[1]", b"7", b'"x"', b"{not json", b"null", b"<html>", b"[" * 100_000, b"NaN")
)
def test_r51_an_event_that_is_no_object_is_unreadable(bench: Bench, odd: bytes) -> None:
    step = raw_bytes(b"data: " + odd + b"\n\n")
    broken(bench, [HELLO, step, *END], UNREADABLE)
    refused(bench, [step, *END], 502, UNREADABLE)


def test_r52_text_that_is_no_utf_8_is_unreadable(bench: Bench) -> None:
    odd = raw_bytes(b'data: {"choices":[{"index":0,"delta":{"content":"\xff"}}]}\n\n')
    broken(bench, [HELLO, odd, *END], UNREADABLE)
    refused(bench, [odd, *END], 502, UNREADABLE)


STREAM = (
    ": hello\n\n"
    'id: 1\nretry: 5\ndata: {"choices":[{"index":0,"delta":{"content":"Grüße "}}]}\n\n'
    'data:{"choices":[{"index":0,"delta":{"content":"\U0001f600"}}]}\r\n\r\n'
    'data: {"choices":\ndata: [{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    "data: [DONE]\n\n"
).encode()


def test_r53_bytes_may_be_split_anywhere(bench: Bench) -> None:
    for size in range(1, 40):
        whole(bench, [opened(), sliced(STREAM, size)], "Grüße \U0001f600")
    whole(bench, [opened(), sliced(STREAM.replace(b"\r\n", b"\r"), 7)], "Grüße \U0001f600")


def test_r54_half_a_character_waits_for_its_other_half(bench: Bench) -> None:
    halves = [
        raw_bytes(b'data: {"choices":[{"index":0,"delta":{"content":"%s"}}]}\n\n' % half)
        for half in (b"a\\ud83d", b"\\ude00b")
    ]
    whole(bench, [*halves, *END], "a\U0001f600b")
    whole(bench, [halves[0], *END], "a\ufffd")


@pytest.mark.parametrize(
    ("value", "text", "status"),
    (
        ({"error": {"message": "no more"}}, "no more", 502),
        ({"error": "no more"}, "no more", 502),
        ({"error": {"message": "no more", "code": 429}}, "no more", 429),
        ({"error": {"message": "no more", "code": "503"}}, "no more", 503),
        ({"error": {"message": "no more", "code": "rate"}}, "no more", 502),
        ({"error": {"error": {"message": "no more"}}}, "no more", 502),
        ({"error": {"type": "x"}}, "backend reported an error without a message", 502),
    ),
)
def test_r55_an_error_event_is_reported_in_its_own_words(
    bench: Bench, value: Any, text: str, status: int
) -> None:
    broken(bench, [HELLO, event(value)], text)
    refused(bench, [event(value)], status, text)


def test_r56_an_event_called_error_is_one(bench: Bench) -> None:
    broken(bench, [HELLO, raw_bytes(b'event: error\ndata: {"message":"no more"}\n\n')], "no more")


def test_r57_a_line_without_an_end_is_given_up(bench: Bench) -> None:
    text = "backend sent a line over 8 MB"
    before = bench.forget_peak()
    refused(bench, [opened(), flood(300 * 2**20)], 502, text)
    broken(bench, [HELLO, flood(300 * 2**20)], text)
    refused(bench, [opened(), raw_bytes(b"data: " + b"x" * (9 * 2**20))], 502, text)
    # The line itself, once more while a part is put to it (a bytearray takes an eighth more than it
    # holds), and what the socket and uvloop had ready; never what the backend would have sent.
    assert bench.peak() - before < 2 * 9 + 8


def test_r58_a_long_event_is_passed_on(bench: Bench) -> None:
    text = "x" * (7 * 2**20)
    whole(bench, [say(text), *END], text)


BOMB = gzip.compress(bytes(50 * 2**20))


@pytest.mark.parametrize("encoding", ("gzip", "br", "zstd", "deflate"))
def test_r59_a_compressed_answer_is_refused_unopened(bench: Bench, encoding: str) -> None:
    before = bench.forget_peak()
    scenario = [opened(headers={"Content-Encoding": encoding}), raw_bytes(BOMB)]
    refused(bench, scenario, 502, "backend compressed its answer")
    assert bench.upstream.generations()[0].headers["accept-encoding"] == "identity"
    whole = [answer(200, BOMB, {"Content-Encoding": encoding})]
    answered = bench.chat(whole, stream=False)
    assert (answered.status, error_of(answered)) == (502, "backend compressed its answer")
    assert bench.peak() - before < 8


def test_r60_an_endless_stream_ends_with_its_client(bench: Bench) -> None:
    bench.script([drip("a", 0)])
    with bench.asking() as client:
        body = client.read_body(client.read_head())
        for _ in range(200):
            next(body)
    bench.upstream.wait_for_hang_up()


def test_r61_a_backend_that_does_not_begin_is_timed_out(bench: Bench) -> None:
    bench.script([stall()], [opened(), heartbeat(0.02)], [opened(), stall()])
    with ThreadPoolExecutor() as pool:
        requested = [pool.submit(bench.chat, stream=stream) for stream in (True, True, True, False)]
        for answered in (one.result() for one in requested):
            assert (answered.status, error_of(answered)) == (504, "backend timed out")


def test_r62_a_backend_that_falls_silent_is_timed_out(bench: Bench) -> None:
    bench.script([HELLO, stall()], [HELLO, heartbeat(0.02)])
    with ThreadPoolExecutor() as pool:
        for answered in pool.map(lambda _: bench.chat(), range(2)):
            assert error_of(answered) == "backend stopped answering"
            assert frames_of(answered) == "Hello"


def test_r63_a_slow_stream_works(bench: Bench) -> None:
    """All of it takes longer than the first token may, and than silence may."""
    slow = [step for _ in range(9) for step in (say("a"), pause(0.13))]
    whole(bench, [*slow, *END], "a" * 9)


def framing(data: bytes) -> Step:
    """Bytes on the connection itself, outside of any chunk."""

    async def step(connection: Connection) -> None:
        await connection.put(data)

    return step


@pytest.mark.parametrize("end", (reset(), cut(), framing(b"ffff\r\nda")))
def test_r64_a_connection_that_breaks_is_reported(bench: Bench, end: Step) -> None:
    broken(bench, [HELLO, end, cut()], LOST)


def test_r64_a_chunk_without_a_length_is_reported(bench: Bench) -> None:
    answered = bench.chat([HELLO, pause(0.05), framing(b"zz\r\n"), cut()])
    assert frames_of(answered) == "Hello"
    # The HTTP client does not always say that it has given the connection up (aiohttp 3.13).
    assert error_of(answered) in (LOST, "backend stopped answering")


@pytest.mark.parametrize(
    "stray",
    (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", b"HTT", b"0\r\n\r\n"),
    ids=("an answer", "half a line", "no answer"),
)
def test_r64_bytes_after_the_last_chunk_are_no_answer_to_anybody(
    bench: Bench, stray: bytes
) -> None:
    sent = threading.Event()
    late = [framing(b"0\r\n\r\n"), pause(0.05), framing(stray), reported(sent), stall()]
    whole(bench, [HELLO, *END, *late], "Hello")
    assert sent.wait(60)
    whole(bench, [HELLO, *END], "Hello")
    # What comes in one packet with the answer, and is no HTTP, may cost that answer itself.
    together = bench.chat([HELLO, *END, framing(b"0\r\n\r\n" + stray)])
    assert together.lines()[-1].get("done") or error_of(together) == LOST
    whole(bench, [HELLO, *END], "Hello")


def reported(event: threading.Event) -> Step:
    """Says to the test how far the backend has come."""

    async def step(_: Connection) -> None:
        event.set()

    return step


def calls(*pieces: dict[str, Any]) -> list[Step]:
    return [*(chunk({"tool_calls": [piece]}) for piece in pieces), finish("tool_calls"), done()]


def part(arguments: Any = None, name: Any = None, **more: Any) -> dict[str, Any]:
    function = {} if name is None else {"name": name}
    if arguments is not None:
        function["arguments"] = arguments
    return {**more, "function": function}


def called(answered: raw.Answer) -> list[tuple[str, Any]]:
    found = [call for line in answered.lines() for call in line["message"].get("tool_calls", ())]
    assert all(call["id"] for call in found)
    return [(call["function"]["name"], call["function"]["arguments"]) for call in found]


A, B = ("f", {"x": 1}), ("g", {"y": 2})


@pytest.mark.parametrize(
    ("pieces", "expected"),
    (
        ([part('{"x"', "f", index=0, id="1"), part(":1}", index=0)], [A]),
        (
            [
                part('{"x"', "f", index=0, id="1"),
                part('{"y"', "g", index=1, id="2"),
                part(":1}", index=0),
                part(":2}", index=1),
            ],
            [A, B],
        ),
        ([part('{"x":1}', "f", index=1, id="1"), part('{"y":2}', "g", index=2, id="2")], [A, B]),
        ([part('{"x":1}', "f", id="1"), part('{"y":2}', "g", id="2")], [A, B]),
        ([part('{"x":1}', "f", index=0), part('{"y":2}', "g", index=1)], [A, B]),
        ([part('{"x":1}', "f", index=0, id="1"), part('{"y":2}', "g", index=0, id="2")], [A, B]),
        ([part("", "f", index=0), part('{"x":1}', index=0, id="late")], [A]),
        ([part('{"x":', index=0, id="1"), part("1}", "f", index=0)], [A]),
    ),
    ids=(
        *("in pieces", "interleaved", "from one", "no index", "no ids", "one index", "late id"),
        "late name",
    ),
)
def test_r65_tool_calls_are_put_together(
    bench: Bench, pieces: list[dict[str, Any]], expected: list[tuple[str, Any]]
) -> None:
    answered = bench.chat(calls(*pieces))
    assert called(answered) == expected
    assert answered.lines()[-1]["done_reason"] == "stop"


@pytest.mark.parametrize(
    ("arguments", "expected"), (("", {}), ("null", {}), ("{}", {}), ('{"a":[1]}', {"a": [1]}))
)
def test_r66_arguments_are_an_object(bench: Bench, arguments: str, expected: Any) -> None:
    assert called(bench.chat(calls(part(arguments, "f", index=0)))) == [("f", expected)]


@pytest.mark.parametrize("arguments", ("{", "[1]", "7", '"x"', "{'a':1}"))
def test_r66_arguments_that_are_no_object_are_reported(bench: Bench, arguments: str) -> None:
    text = 'backend returned invalid tool call arguments for "f"'
    broken(bench, [HELLO, *calls(part(arguments, "f", index=0))], text)
    long = json.dumps({"a": "x" * 5_000_000})
    assert called(bench.chat(calls(part(long, "f", index=0)))) == [("f", json.loads(long))]


def test_r67_calls_of_other_kinds(bench: Bench) -> None:
    legacy = {"function_call": {"name": "f", "arguments": '{"x":1}'}}
    answered = bench.chat([chunk(legacy), finish("function_call"), done()])
    assert called(answered) == [A]
    for odd in (part('{"x":1}', index=0), {"index": 0, "type": "custom", "custom": {"name": "f"}}):
        answered = bench.chat([HELLO, *calls(odd)])
        assert "tool" in error_of(answered)


@pytest.mark.parametrize(
    ("reason", "shown"),
    (("eos_token", "stop"), ("content_filter", "stop"), ("length", "length"), ("stop", "stop")),
)
def test_r68_reasons_are_ollamas(bench: Bench, reason: str, shown: str) -> None:
    assert whole(bench, [HELLO, chunk({}, reason), done()], "Hello")["done_reason"] == shown
    for none in ("", 5, None):
        broken(bench, [HELLO, chunk({}, none), done()], ENDED)


@given(cuts=st.lists(st.integers(0, 40), max_size=5))
@FUZZ
def test_r69_thoughts_come_apart_wherever_they_are_split(bench: Bench, cuts: list[int]) -> None:
    text = "<think>one two</think>three < four"
    places = sorted({0, len(text), *(place for place in cuts if place < len(text))})
    pieces = [text[start:end] for start, end in itertools.pairwise(places)]
    bench.script([say(*pieces), *END])
    answered = bench.post({**CHAT, "model": "think"})
    thoughts = "".join(line["message"].get("thinking", "") for line in answered.lines())
    assert answered.lines()[-1]["done"] is True
    assert (thoughts, frames_of(answered)) == ("one two", "three < four")


def test_r70_a_refusal_is_content_and_the_rest_is_left_out(bench: Bench) -> None:
    odd = [chunk({"audio": {"data": "x"}}), chunk({"annotations": [1]}), chunk({"refusal": "Hel"})]
    whole(bench, [*odd, say("lo"), *END], "Hello")


def test_every_error_of_a_backend_is_counted_by_its_kind(bench: Bench) -> None:
    kinds = {
        "truncated": [HELLO],
        "lost": [HELLO, reset()],
        "unreadable": [HELLO, raw_bytes(b"data: {\n\n")],
        "error_event": [event({"error": "no"})],
    }
    for kind, scenario in kinds.items():
        before = bench.metric("facade_backend_errors_total", kind=kind)
        bench.chat(scenario)
        wait_until(
            lambda kind=kind, before=before: (
                bench.metric("facade_backend_errors_total", kind=kind) == before + 1
            ),
            2,
            kind,
        )
    silent = ("idle", "timeout")
    reported = [bench.metric("facade_backend_errors_total", kind=kind) for kind in silent]
    bench.script([HELLO, stall()], [stall()])
    with ThreadPoolExecutor() as pool:
        assert len(list(pool.map(lambda _: bench.chat(), silent))) == len(silent)
    for kind, before in zip(silent, reported, strict=True):
        wait_until(
            lambda kind=kind, before=before: (
                bench.metric("facade_backend_errors_total", kind=kind) == before + 1
            ),
            2,
            kind,
        )
