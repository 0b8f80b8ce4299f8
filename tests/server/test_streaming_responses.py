from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from ollama_facade.errors import OllamaError
from ollama_facade.operations.context import FinalBatch, NdjsonStream, SseStream
from ollama_facade.server.streaming_responses import begin_stream
from tests.server.asgi import scope_of

FRAME, LAST = {"response": "a<b"}, {"done": True}


def sent(
    batches: AsyncIterator[list[dict[str, Any]]],
    stream: Callable[[Any], NdjsonStream | SseStream] = NdjsonStream,
    path: str = "/api/chat",
) -> list[dict[str, Any]]:
    """The ASGI messages of a whole response."""
    messages: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        messages.append(dict(message))

    async def receive() -> Any:
        raise AssertionError("an answer reads nothing")

    async def whole() -> None:
        response = await begin_stream(stream(batches), {"Facade-Dropped": "top_k"})
        await response(scope_of(path=path), receive, send)

    asyncio.run(whole())
    return messages


async def batches(*items: list[dict[str, Any]] | Exception) -> AsyncIterator[list[dict[str, Any]]]:
    for item in items:
        if isinstance(item, Exception):
            raise item
        yield item


def body(messages: list[dict[str, Any]]) -> bytes:
    return b"".join(message["body"] for message in messages[1:])


def test_frames_that_are_ready_together_are_one_write() -> None:
    messages = sent(batches([FRAME, FRAME], [LAST]))
    start, first, second, end = messages
    assert start["status"] == 200
    headers = dict(start["headers"])
    assert headers[b"content-type"] == b"application/x-ndjson"
    assert headers[b"facade-dropped"] == b"top_k"
    assert b"content-length" not in headers
    assert first["body"] == b'{"response":"a\\u003cb"}\n' * 2
    assert second["body"] == b'{"done":true}\n'
    assert (end["body"], end["more_body"]) == (b"", False)


def test_a_failure_after_the_first_frame_is_the_last_line() -> None:
    messages = sent(batches([FRAME], OllamaError(502, "backend connection was lost")))
    assert body(messages).splitlines()[-1] == b'{"error":"backend connection was lost"}'
    assert messages[-1]["more_body"] is False


def test_a_bug_after_the_first_frame_is_a_line_that_tells_nothing() -> None:
    messages = sent(batches([FRAME], ValueError("secret")))
    assert body(messages).splitlines()[-1] == b'{"error":"internal server error"}'


def test_a_failure_before_the_first_frame_is_raised_so_that_it_can_be_a_status() -> None:
    with pytest.raises(OllamaError, match="no"):
        sent(batches(OllamaError(429, "no")))


def events(batches: AsyncIterator[Any]) -> SseStream:
    return SseStream(batches, done=True)


def named(batches: AsyncIterator[Any]) -> SseStream:
    return SseStream(batches, named=True)


def test_events_end_with_a_mark_that_does_not_follow_a_failure() -> None:
    path = "/v1/chat/completions"
    whole = sent(batches([FRAME], FinalBatch([LAST])), events, path)
    assert dict(whole[0]["headers"])[b"content-type"] == b"text/event-stream"
    assert body(whole) == (
        b'data: {"response":"a\\u003cb"}\n\ndata: {"done":true}\n\ndata: [DONE]\n\n'
    )
    broken = sent(batches([FRAME], OllamaError(502, "lost")), events, path)
    assert broken[-1]["body"] == (
        b'data: {"error":{"message":"lost","type":"api_error","param":null,"code":null}}\n\n'
    )


def test_named_events_carry_the_type_of_their_data() -> None:
    messages = sent(batches([{"type": "ping"}], ValueError("secret")), named)
    assert dict(messages[0]["headers"])[b"cache-control"] == b"no-cache"
    assert messages[1]["body"] == b'event: ping\ndata: {"type":"ping"}\n\n'
    assert messages[-1]["body"] == b'event: error\ndata: {"error":"internal server error"}\n\n'
