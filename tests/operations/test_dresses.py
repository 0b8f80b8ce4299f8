"""Frames that are put together from bytes beside frames that are encoded whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_facade.golang.encode import dumps
from ollama_facade.operations.dresses import ChatRenderer, GenerateRenderer
from ollama_facade.translate.deltas import Completion, OutputDelta

DRESSES: dict[str, Callable[[str], Any]] = {
    "chat": ChatRenderer,
    "generate": lambda name: GenerateRenderer(
        name, lambda text: list(text.encode("utf-8", "replace"))
    ),
}
AWKWARD = ["\0text", "\0time", '"', "<&>", "\u2028", "\ud800", 'a","done":true', ""]
TEXT = st.text() | st.sampled_from(AWKWARD)
PIECE = st.builds(
    OutputDelta,
    TEXT,
    st.just("") | TEXT,
    st.just(()) | st.lists(st.fixed_dictionaries({"token": st.text(st.characters(codec="utf-8"))})),
)


@pytest.mark.parametrize("make", DRESSES.values(), ids=DRESSES.keys())
@given(name=TEXT, pieces=st.lists(PIECE | st.builds(OutputDelta, TEXT), max_size=4))
def test_a_line_is_its_frame_encoded(
    make: Callable[[str], Any], name: str, pieces: list[OutputDelta]
) -> None:
    first, second = make(name), make(name)
    now = "2026-11-24T15:14:42.1Z"
    assert first.lines(now, pieces) == [dumps(second.frame(now, piece)) for piece in pieces]
    ending = Completion("stop", OutputDelta("!"))
    assert first.final(now, ending, {}) == second.final(now, ending, {})
