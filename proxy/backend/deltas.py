"""The bytes of an answer as Deltas: event streams, and whole answers that came instead."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Any

import httpx2
import orjson

from proxy.backend.events import Event, EventSplitter
from proxy.errors import BackendError
from proxy.translate.delta import Delta
from proxy.translate.reading import read_delta, unreadable


def not_a_completion() -> BackendError:
    """A page, or JSON of another kind, with status 200."""
    return BackendError(
        502, "backend answered with something that is not a completion", kind="unreadable"
    )


async def read_deltas(response: httpx2.Response) -> AsyncGenerator[list[Delta], None]:
    """The Deltas of a streamed answer, those of one read together; an empty list is ``[DONE]``.

    The connection is read to its end after that, so that it can be used again.
    """
    if response.status_code == 204:
        raise not_a_completion()
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        delta = read_delta(parsed(await response.aread()))
        if delta is None:
            raise not_a_completion()
        yield [delta]
        return
    if kind != "text/event-stream":
        raise not_a_completion()
    splitter = EventSplitter()
    done = False
    async for chunk in response.aiter_raw():
        if done:
            continue
        deltas: list[Delta] = []
        try:
            done = _read(splitter.feed(chunk), deltas)
        finally:
            # What came before a failure in the same packet is not lost.
            if deltas:
                yield deltas
        if done:
            yield []
    if not done:
        deltas = []
        _read(splitter.finish(), deltas)
        if deltas:
            yield deltas


def _read(events: list[Event], deltas: list[Delta]) -> bool:
    """Appends the Deltas of some events; True when ``[DONE]`` was among them."""
    for event in events:
        for data in _documents(event):
            if data.strip() == b"[DONE]":
                return True
            value = parsed(data)
            if event.name == b"error" and isinstance(value, dict) and "error" not in value:
                value = {"error": value}
            delta = read_delta(value)
            if delta is not None:
                deltas.append(delta)
    return False


def _documents(event: Event) -> tuple[bytes, ...]:
    """The JSON texts of an event: its lines joined, or each line where blank lines are missing."""
    if len(event.data) == 1:
        return event.data
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
