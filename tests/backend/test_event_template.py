"""Events that fit a template, read at once, beside the same read one by one."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ollama_facade.backend.event_template import MAX_TEMPLATES, EventTemplate
from ollama_facade.backend.sender import BackendResponse
from ollama_facade.backend.stream import MAX_UNLIKE_EVENTS, read_events
from ollama_facade.errors import BackendError
from ollama_facade.translate.chunks import parse_chunk
from ollama_facade.translate.deltas import StreamDelta, TextRun, each_delta


class Stream(BackendResponse):
    """A response of the backend that arrives in these parts."""

    status_code = 200

    def __init__(self, parts: Sequence[bytes]) -> None:
        self.parts = parts
        self.headers = {"content-type": "text/event-stream"}

    async def aiter_raw(self) -> AsyncIterator[bytes]:
        for part in self.parts:
            yield part


def read(
    parts: Sequence[bytes], template: EventTemplate | None
) -> tuple[list[StreamDelta | TextRun], str]:
    """Returns what is read of the parts, and the text of the error with which it ended."""
    deltas: list[StreamDelta | TextRun] = []

    async def run() -> str:
        try:
            async for batch in read_events(Stream(parts), parse_chunk, template):
                deltas.extend(batch)
        except BackendError as error:
            return error.message
        return ""

    return deltas, asyncio.run(run())


def event(text: Any, **more: Any) -> bytes:
    """One event with a text."""
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None, **more}
    return b"data: %b\n\n" % json.dumps({"id": "x", "choices": [choice], "model": "m"}).encode()


TEXT = st.text(alphabet=st.sampled_from(list('ab <>&"\\\n')) | st.characters(), max_size=4)
ALIKE = st.text(alphabet="ab ,.'", min_size=1, max_size=4).map(event)
OTHER = st.one_of(
    TEXT.map(event),
    st.sampled_from(
        [
            event(" a", finish_reason="stop"),
            event(" a", logprobs={"content": [{"token": " a", "logprob": -1}]}),
            event(None),
            event(""),
            b'data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}\n\n',
            b'data: {"choices":[{"delta":{"content":"\\u0061"}}],"model":"a"}\n\n',
            b'data: {"choices":[{"delta":{"content":"b"}}],"content":"a"}\n\n',
            b"data: [DONE]\n\n",
            b"data: broken\n\n",
            b'event: error\ndata: {"message":"no"}\n\n',
            b": a comment\n\n",
            b"\n",
            b'data:{"choices":[{"delta":{"content":"a"}}]}\r\n\r\n',
            b'data: {"choices":\ndata: [{"delta":{"content":"a"}}]}\n\n',
        ]
    ),
)
EVENTS = st.lists(ALIKE | ALIKE | ALIKE | OTHER, max_size=20).map(b"".join)


@given(EVENTS, st.lists(st.integers(0, 2000), max_size=6))
@example(event("a") * 3 + event("a\n") + event("b") * 3, [])
@example((event("a") + event("<")) * (MAX_UNLIKE_EVENTS + 2) + event("a"), [])
@example(event("a") + event("b") + event("b")[:-40], [])
def test_events_read_at_once_say_what_they_say_one_by_one(stream: bytes, cuts: list[int]) -> None:
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    parts = [stream[a:b] for a, b in itertools.pairwise(edges)]
    expected, error = read(parts, None)
    deltas, same_error = read(parts, EventTemplate())
    assert list(each_delta(deltas)) == expected
    assert same_error == error


def test_what_changes_in_nothing_but_the_text_is_read_at_once() -> None:
    deltas, _ = read(
        [event(" one"), event(" two") + event(" three"), event(" four")], EventTemplate()
    )
    assert deltas == [StreamDelta(" one"), TextRun([b" two", b" three"]), TextRun([b" four"])]


def test_events_of_one_read_are_alike_from_the_second_on() -> None:
    stream = b"".join(map(event, ["a", "b", "c\n", "d", "e"]))
    deltas, _ = read(
        [stream + event("", finish_reason="stop") + b"data: [DONE]\n\n"], EventTemplate()
    )
    assert deltas == [
        *(StreamDelta("a"), TextRun([b"b"]), StreamDelta("c\n"), TextRun([b"d", b"e"])),
        StreamDelta(finish="stop"),
    ]


@pytest.mark.parametrize("text", ['say "a"', "a\\b", "<b>", "R&D", "é", "a\x7f", "\ud800"])
def test_a_text_with_an_escape_is_read_as_json(text: str) -> None:
    deltas, _ = read([event("a"), event(text), event("b")], EventTemplate())
    assert deltas == [StreamDelta("a"), StreamDelta(text), TextRun([b"b"])]


def test_a_text_is_not_sought_where_another_stands_for_it() -> None:
    # The text is written with an escape; what is found in the bytes is the name of the model.
    stream = [b'data: {"choices":[{"delta":{"content":"\\u0061"}}],"model":"a"}\n\n'] * 3
    assert read(stream, EventTemplate())[0] == [StreamDelta("a")] * 3


def test_a_backend_that_changes_every_event_is_not_followed() -> None:
    template = EventTemplate()
    changing = [event("a", obfuscation=str(number)) for number in range(MAX_TEMPLATES + 4)]
    assert read(changing, template)[0] == [StreamDelta("a")] * (MAX_TEMPLATES + 4)
    deltas, _ = read([event("a"), event("b")], template)
    assert deltas == [StreamDelta("a"), StreamDelta("b")]
