"""Frames that are put together from bytes beside frames that are encoded whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_facade.golang.encode import dumps
from ollama_facade.translate.apis.frame_encoder import FrameEncoder
from ollama_facade.translate.apis.ollama_chat import chat_frame
from ollama_facade.translate.apis.ollama_generate import generate_frame
from ollama_facade.translate.deltas import OutputDelta, TextRun

FRAMES: dict[str, Callable[[str, str, OutputDelta], dict[str, Any]]] = {
    "chat": chat_frame,
    "generate": generate_frame,
}
AWKWARD = ["\0text", "\0time", '"', "<&>", "\u2028", "\ud800", 'a","done":true', ""]
TEXT = st.text() | st.sampled_from(AWKWARD)
DELTA = st.builds(
    OutputDelta,
    TEXT,
    st.just("") | TEXT,
    st.just(()) | st.lists(st.fixed_dictionaries({"token": st.text(st.characters(codec="utf-8"))})),
)
NOW = "2026-11-24T15:14:42.1Z"


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES.keys())
@given(name=TEXT, deltas=st.lists(DELTA | st.builds(OutputDelta, TEXT), max_size=4))
def test_a_line_is_its_frame_encoded(
    frame: Callable[[str, str, OutputDelta], dict[str, Any]], name: str, deltas: list[OutputDelta]
) -> None:
    encoder = FrameEncoder(lambda at, delta: frame(name, at, delta))
    assert encoder.encode(deltas, NOW) == [dumps(frame(name, NOW, delta)) for delta in deltas]


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES.keys())
def test_a_run_of_texts_is_a_frame_each(
    frame: Callable[[str, str, OutputDelta], dict[str, Any]],
) -> None:
    encoder = FrameEncoder(lambda at, delta: frame("m", at, delta))
    run = TextRun([b"a", b"b c"])
    lines = b"\n".join(dumps(frame("m", NOW, delta)) for delta in run.outputs())
    assert encoder.encode([run], NOW) == [lines]
