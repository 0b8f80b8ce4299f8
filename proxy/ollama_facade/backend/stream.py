"""The bytes of an answer as what a reader makes of it: event streams, and whole answers instead."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any, Protocol, TypeVar

import orjson

from ollama_facade.backend.event_template import EventTemplate
from ollama_facade.backend.exchange import BackendResponse
from ollama_facade.backend.sse import Event, EventSplitter
from ollama_facade.errors import BackendError
from ollama_facade.translate.chunks import unreadable
from ollama_facade.translate.deltas import StreamDelta, TextRun


class StreamItem(Protocol):
    """What one event says; `finish` is the reason for which the answer ends with it, or empty."""

    finish: str


T = TypeVar("T", bound=StreamItem)
Reader = Callable[[Any], T | None]
"""Makes something of one JSON value, None where it says nothing. Raises BackendError."""


EXCEPTIONS = 8
"""How many events of one read may be unlike the others before each is read for itself: looking for
those that are alike costs a look at all that follow."""


def not_a_completion() -> BackendError:
    """A page, or JSON of another kind, with status 200."""
    return BackendError(
        502, "backend answered with something that is not a completion", kind="unreadable"
    )


async def read_events(
    response: BackendResponse, read: Reader[T], repeats: EventTemplate | None = None
) -> AsyncGenerator[Sequence[T | TextRun], None]:
    """What a streamed answer says, that of one read together; an empty list is ``[DONE]``.

    With `repeats`, which is for a reader of Deltas, events that are alike are Texts. The connection
    is read to its end after ``[DONE]``, so that it can be used again.
    """
    if response.status_code == 204:
        raise not_a_completion()
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        whole = read(parsed(await response.aread()))
        if whole is None:
            raise not_a_completion()
        yield [whole]
        return
    if kind != "text/event-stream":
        raise not_a_completion()
    splitter = EventSplitter()
    done = False
    told: Sequence[T | TextRun]
    async for chunk in response.aiter_raw():
        if done:
            continue
        if repeats is None:
            told, done, fault = _read(splitter.feed(chunk), read)
        else:
            told, done, fault = _read_alike(splitter, chunk, read, repeats)
        if told:
            yield told
        if fault:
            raise fault
        if done:
            yield []
    if not done:
        told, done, fault = _read(splitter.finish(), read)
        if told:
            yield told
        if fault:
            raise fault


def _read(events: list[Event], read: Reader[T]) -> tuple[list[T], bool, BackendError | None]:
    """What some events say, whether ``[DONE]`` was among them, and what broke after them.

    What came before a fault is not lost because it came in the same read.
    """
    told: list[T] = []
    try:
        for event in events:
            for text in event.data if len(event.data) == 1 else _documents(event):
                if text.strip() == b"[DONE]":
                    return told, True, None
                try:
                    value = orjson.loads(text)
                except orjson.JSONDecodeError:
                    value = _parsed_slowly(text)
                if event.name == b"error" and isinstance(value, dict) and "error" not in value:
                    value = {"error": value}
                one = read(value)
                if one is not None:
                    told.append(one)
    except BackendError as fault:
        return told, False, fault
    return told, False, None


def _read_alike(
    splitter: EventSplitter, chunk: bytes, read: Reader[T], repeats: EventTemplate
) -> tuple[list[T | TextRun], bool, BackendError | None]:
    """As `_read` does of the events that the chunk completes; those that are alike are Texts."""
    told: list[T | TextRun] = []
    whole, rest = splitter.whole(chunk)
    for _ in range(EXCEPTIONS):
        texts, whole = repeats.read(whole)
        if texts:
            told.append(TextRun(texts))
        if not whole:
            break
        end = whole.find(b"\n\n") + 2
        events = splitter.feed(whole[:end])
        whole = whole[end:]
        more, done, fault = _read(events, read)
        told += more
        if done or fault:
            return told, done, fault
        if more and isinstance(more[-1], StreamDelta):
            repeats.learn(events[-1], more[-1])
    more, done, fault = _read(splitter.feed(whole + rest), read)
    told += more
    return told, done, fault


def _documents(event: Event) -> tuple[bytes, ...]:
    """The JSON texts of an event: its lines joined, or each line where blank lines are missing."""
    joined = b"\n".join(event.data)
    try:
        orjson.loads(joined)
    except orjson.JSONDecodeError:
        return event.data
    return (joined,)


def parsed(text: bytes) -> Any:
    """JSON, lone surrogates kept (their other half may come in the next event)."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return _parsed_slowly(text)


def _parsed_slowly(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise unreadable() from error
