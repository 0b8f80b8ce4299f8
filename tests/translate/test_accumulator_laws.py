"""The laws of the stream machine, as properties (docs/design.md)."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_facade.errors import BackendError, OllamaError
from ollama_facade.translate.accumulator import Accumulator
from ollama_facade.translate.chunks import parse_chunk
from ollama_facade.translate.deltas import (
    Completion,
    OutputDelta,
    StreamDelta,
    ToolCallDelta,
    Usage,
)
from tests.translate.test_chunks import JSON

TEXT = st.text(alphabet=st.sampled_from([*list("ab <>/think\n"), "é", "😀"]), max_size=40)


def run(deltas: list[StreamDelta], **options: Any) -> tuple[list[OutputDelta], Completion]:
    generation = Accumulator(**options)
    pieces = [piece for delta in deltas if (piece := generation.feed(delta)) is not None]
    return pieces, generation.finish()


def folded(deltas: list[StreamDelta], **options: Any) -> tuple[str, str, str]:
    pieces, ending = run(deltas, **options)
    pieces = [*pieces, ending.output]
    return (
        "".join(p.content for p in pieces),
        "".join(p.thinking for p in pieces),
        ending.done_reason,
    )


@given(TEXT, st.data(), st.booleans(), st.booleans())
def test_any_split_of_the_content_folds_to_the_same_answer(
    text: str, data: st.DataObject, split: bool, drop: bool
) -> None:
    options = {"split_thinking": split, "drop_thinking": drop}
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    edges = [0, *cuts, len(text)]
    parts = [StreamDelta(text[a:b]) for a, b in itertools.pairwise(edges)]
    streamed = folded([*parts, StreamDelta(finish="stop")], **options)
    assert streamed == folded([StreamDelta(text, finish="stop")], **options)


@given(st.lists(st.builds(StreamDelta, TEXT, TEXT, finish=st.sampled_from(["", "", "stop"]))), TEXT)
def test_a_text_that_is_accepted_raw_comes_out_as_it_is(
    before: list[StreamDelta], text: str
) -> None:
    generation = Accumulator(split_thinking=True)
    for delta in before:
        generation.feed(delta)
    if generation.accepts_raw_text and text:
        assert generation.feed(StreamDelta(text)) == OutputDelta(text)


@given(st.lists(JSON, max_size=8), st.booleans())
def test_whatever_json_comes_there_is_one_ending_or_one_error(
    events: list[Any], split: bool
) -> None:
    generation = Accumulator(split_thinking=split)
    try:
        for event in events:
            delta = parse_chunk(event)
            if delta is not None:
                piece = generation.feed(delta)
                assert piece is None or piece.content or piece.thinking or piece.logprobs
        ending = generation.finish()
    except OllamaError:
        return
    assert ending.done_reason in ("stop", "length")


def test_an_answer_without_a_finish_reason_is_an_error() -> None:
    with pytest.raises(BackendError, match="backend stream ended before it finished"):
        run([StreamDelta("Hel"), StreamDelta("lo")])


def test_what_comes_after_the_finish_reason_is_ignored_but_for_counts() -> None:
    pieces, ending = run(
        [
            StreamDelta("a"),
            StreamDelta("b", finish="stop"),
            StreamDelta("c", finish="length"),
            StreamDelta(usage=Usage(1, 2)),
        ]
    )
    assert [p.content for p in pieces] == ["a"]
    assert (ending.output.content, ending.done_reason) == ("b", "stop")
    assert ending.usage == Usage(1, 2)


@pytest.mark.parametrize(
    ("finish", "reason"),
    (("stop", "stop"), ("length", "length"), ("tool_calls", "stop"), ("content_filter", "stop")),
)
def test_finish_reasons_become_ollamas(finish: str, reason: str) -> None:
    assert run([StreamDelta(finish=finish)])[1].done_reason == reason


def test_a_character_split_over_two_deltas_is_whole_in_the_second() -> None:
    pieces, _ = run([StreamDelta("a\ud83d"), StreamDelta("\ude00b"), StreamDelta(finish="stop")])
    assert [p.content for p in pieces] == ["a", "😀b"]


def test_half_a_character_at_the_end_becomes_the_replacement_character() -> None:
    assert folded([StreamDelta("a\ud83d"), StreamDelta(finish="stop")])[0] == "a\ufffd"


def test_thoughts_that_the_backend_splits_off_leave_tags_in_the_content_alone() -> None:
    deltas = [
        StreamDelta(thinking="Hm"),
        StreamDelta("<think>x</think>"),
        StreamDelta(finish="stop"),
    ]
    assert folded(deltas, split_thinking=True)[:2] == ("<think>x</think>", "Hm")


def test_thinking_that_was_not_wanted_is_dropped_in_both_forms() -> None:
    assert folded(
        [StreamDelta(thinking="Hm"), StreamDelta("a", finish="stop")], drop_thinking=True
    )[:2] == (
        "a",
        "",
    )
    deltas = [StreamDelta("<think>Hm</think>a"), StreamDelta(finish="stop")]
    assert folded(deltas, split_thinking=True, drop_thinking=True)[:2] == ("a", "")


@pytest.mark.parametrize(
    ("alternatives", "shown"),
    (
        (None, []),
        (0, [{"token": "a", "logprob": -1}]),
        (1, [{"token": "a", "logprob": -1, "top_logprobs": [1]}]),
        (5, [{"token": "a", "logprob": -1, "top_logprobs": [1, 2]}]),
    ),
)
def test_a_token_has_as_many_alternatives_as_were_asked_for(
    alternatives: int | None, shown: list[Any]
) -> None:
    reported = [{"token": "a", "logprob": -1, "top_logprobs": [1, 2]}]
    deltas = [StreamDelta("a", logprobs=reported), StreamDelta(finish="stop")]
    pieces, _ = run(deltas, alternatives=alternatives)
    assert list(pieces[0].logprobs) == shown


def test_tool_calls_are_complete_and_only_in_the_ending() -> None:
    part = ToolCallDelta(0, "a", "f", '{"x":')
    pieces, ending = run(
        [
            StreamDelta(calls=[part]),
            StreamDelta(calls=[ToolCallDelta(0, "", "", "1}")], finish="stop"),
        ]
    )
    assert pieces == []
    assert [(c.index, c.id, c.name, c.arguments) for c in ending.calls] == [(0, "a", "f", {"x": 1})]
