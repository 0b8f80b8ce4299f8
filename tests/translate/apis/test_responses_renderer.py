"""Pieces and an Ending as a Response: the recordings, and the order of events."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_facade.errors import OllamaError
from ollama_facade.translate.apis.responses_renderer import ResponsesRenderer
from ollama_facade.translate.deltas import Completion, OutputDelta
from tests.operations.recorded import cases, recorded
from tests.translate.foreign import COMPLETIONS, DELTAS, compare


@pytest.mark.parametrize("name", recorded("openai", r"responses-(items|schema|history)"))
def test_a_response_looks_as_recorded(name: str) -> None:
    case = cases("openai")[name]
    body = case["request"]["body"]
    compare(case, ResponsesRenderer(body, 1), body.get("max_output_tokens"))


@given(st.lists(DELTAS, max_size=6), COMPLETIONS)
def test_items_of_a_response_open_and_close_in_turn(
    pieces: list[OutputDelta], ending: Completion
) -> None:
    renderer = ResponsesRenderer({"model": "m"}, 1)
    events = [event for piece in pieces for event in renderer.render_deltas([piece], "")]
    events += renderer.render_end(ending, "", {})
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert [event["type"] for event in events[:2]] == ["response.created", "response.in_progress"]
    ends = [event for event in events if event["type"] == "response.completed"]
    assert ends == events[-1:]
    items = [event for event in events if ".output_item." in event["type"]]
    assert [event["output_index"] for event in items[::2]] == list(range(len(items) // 2))
    assert all(event["type"].endswith("added") for event in items[::2])
    done = [event["item"] for event in items[1::2]]
    assert done == events[-1]["response"]["output"]


def test_a_response_that_breaks_off_fails() -> None:
    renderer = ResponsesRenderer({"model": "m"}, 1)
    renderer.render_deltas([OutputDelta("a")], "")
    last = renderer.render_error(OllamaError(500, "gone"))[-1]
    assert last["type"] == "response.failed"
    assert last["response"]["status"] == "failed"
    assert last["response"]["error"]["message"] == "gone"
