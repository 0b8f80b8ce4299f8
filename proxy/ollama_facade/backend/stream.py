"""Reads the body of a response: event streams, and whole responses instead of them."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any, Protocol, TypeVar

import orjson

from ollama_facade.backend.event_template import EventTemplate
from ollama_facade.backend.sender import BackendResponse
from ollama_facade.backend.sse import Event, EventSplitter
from ollama_facade.errors import BackendError
from ollama_facade.translate.chunks import unreadable
from ollama_facade.translate.deltas import StreamDelta, TextRun


class StreamItem(Protocol):
    """What one event says; `finish` is the reason for which the response ends with it, or empty."""

    finish: str


T = TypeVar("T", bound=StreamItem)
Parse = Callable[[Any], T | None]
"""Makes an item of one JSON value, None where it says nothing. Raises BackendError."""


MAX_UNLIKE_EVENTS = 8
"""Events of one read that may differ from the template before the rest is read one by one: looking
for the next that fits it costs a look at all that follow."""


def not_a_completion() -> BackendError:
    """A page, or JSON of another kind, with status 200."""
    return BackendError(
        502, "backend answered with something that is not a completion", kind="unreadable"
    )


async def read_events(
    response: BackendResponse, parse: Parse[T], template: EventTemplate | None = None
) -> AsyncGenerator[Sequence[T | TextRun], None]:
    """Yields the items of a streamed response, those of one read together; ``[DONE]`` is [].

    With `template`, which is for a parser of StreamDeltas, events that fit it are TextRuns. The
    connection is read to its end after ``[DONE]``, so that it can be used again.
    """
    if response.status_code == 204:
        raise not_a_completion()
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == "application/json":
        completion = parse(parse_json(await response.aread()))
        if completion is None:
            raise not_a_completion()
        yield [completion]
        return
    if media_type != "text/event-stream":
        raise not_a_completion()
    splitter = EventSplitter()
    done = False
    items: Sequence[T | TextRun]
    async for chunk in response.aiter_raw():
        if done:
            continue
        if template is None:
            items, done, error = _parse(splitter.feed(chunk), parse)
        else:
            items, done, error = _parse_with_template(splitter, chunk, parse, template)
        if items:
            yield items
        if error:
            raise error
        if done:
            yield []
    if not done:
        items, done, error = _parse(splitter.finish(), parse)
        if items:
            yield items
        if error:
            raise error


def _parse(events: list[Event], parse: Parse[T]) -> tuple[list[T], bool, BackendError | None]:
    """Returns the items of some events, whether ``[DONE]`` was among them, and the first error.

    What came before an error is not lost because it came in the same read.
    """
    items: list[T] = []
    try:
        for event in events:
            for text in event.data if len(event.data) == 1 else _documents(event):
                if text.strip() == b"[DONE]":
                    return items, True, None
                try:
                    value = orjson.loads(text)
                except orjson.JSONDecodeError:
                    value = _parse_json_slowly(text)
                if event.name == b"error" and isinstance(value, dict) and "error" not in value:
                    value = {"error": value}
                item = parse(value)
                if item is not None:
                    items.append(item)
    except BackendError as error:
        return items, False, error
    return items, False, None


def _parse_with_template(
    splitter: EventSplitter, chunk: bytes, parse: Parse[T], template: EventTemplate
) -> tuple[list[T | TextRun], bool, BackendError | None]:
    """Does with the events that a chunk completes as `_parse`; those that fit are TextRuns."""
    items: list[T | TextRun] = []
    complete, rest = splitter.take_complete(chunk)
    for _ in range(MAX_UNLIKE_EVENTS):
        texts, complete = template.read(complete)
        if texts:
            items.append(TextRun(texts))
        if not complete:
            break
        end = complete.find(b"\n\n") + 2
        events = splitter.feed(complete[:end])
        complete = complete[end:]
        more, done, error = _parse(events, parse)
        items += more
        if done or error:
            return items, done, error
        if more and isinstance(more[-1], StreamDelta):
            template.learn(events[-1], more[-1])
    more, done, error = _parse(splitter.feed(complete + rest), parse)
    items += more
    return items, done, error


def _documents(event: Event) -> tuple[bytes, ...]:
    """Returns the JSON texts of an event: its lines joined, or each line where that is no JSON."""
    joined = b"\n".join(event.data)
    try:
        orjson.loads(joined)
    except orjson.JSONDecodeError:
        return event.data
    return (joined,)


def parse_json(text: bytes) -> Any:
    """Parses JSON. Lone surrogates stay: their other half may come in the next event."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return _parse_json_slowly(text)


def _parse_json_slowly(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise unreadable() from error
