"""Pieces and an Ending as Anthropic's message: the recordings, and the order of events."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_facade.errors import OllamaError
from ollama_facade.translate.apis.anthropic_parser import estimated_tokens
from ollama_facade.translate.apis.anthropic_renderer import MessagesRenderer
from ollama_facade.translate.deltas import Completion, OutputDelta
from tests.operations.recorded import cases, recorded
from tests.translate.foreign import COMPLETIONS, DELTAS, compare

ANSWERED = re.compile(r"(plain|length|empty|thinking-[a-z]+|native-tool-call|system-[a-z]+)")


@pytest.mark.parametrize(
    "name", [n for n in recorded("anthropic") if ANSWERED.fullmatch(n[10:].removesuffix("-stream"))]
)
def test_a_message_looks_as_recorded(name: str) -> None:
    case = cases("anthropic")[name]
    body = case["request"]["body"]
    limit = body["max_tokens"] if body["max_tokens"] < 10 else None
    compare(case, MessagesRenderer(body["model"], estimated_tokens(body)), limit)


@given(st.lists(DELTAS, max_size=6), COMPLETIONS)
def test_blocks_of_a_message_open_and_close_in_turn(
    pieces: list[OutputDelta], ending: Completion
) -> None:
    renderer = MessagesRenderer("m", 1)
    events = [event for piece in pieces for event in renderer.render_deltas([piece], "")]
    events += renderer.render_end(ending, "", {})
    kinds = [event["type"].removeprefix("content_block_") for event in events]
    order = " ".join(kinds)
    assert re.fullmatch(r"message_start( start( delta)+ stop)* message_delta message_stop", order)
    starts = [event["index"] for event in events if event["type"] == "content_block_start"]
    assert starts == list(range(len(starts)))


def test_a_message_that_breaks_off_is_an_error_in_its_envelope() -> None:
    renderer = MessagesRenderer("m", 1)
    renderer.render_deltas([OutputDelta("a")], "")
    with pytest.raises(OllamaError, match="gone"):
        renderer.render_error(OllamaError(500, "gone"))


@pytest.mark.parametrize(("reason", "reported"), [("stop", "end_turn"), ("length", "max_tokens")])
def test_the_reason_of_an_end_is_in_anthropics_words(reason: str, reported: str) -> None:
    assert (
        MessagesRenderer("m", 1).render_response(Completion(reason, OutputDelta("a")), "", {})[
            "stop_reason"
        ]
        == reported
    )


def test_an_answer_of_nothing_has_no_content() -> None:
    assert (
        MessagesRenderer("m", 1).render_response(Completion("stop", OutputDelta()), "", {})[
            "content"
        ]
        is None
    )
