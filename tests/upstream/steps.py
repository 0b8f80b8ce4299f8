"""The vocabulary of a scenario: a function gives a step, so that a list reads as a sentence."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Mapping
from typing import Any

from tests.upstream.connection import Connection, HangupError, Step
from tests.upstream.shapes import head_of, to_json, usage_of


def event(value: object) -> Step:
    """One event of the stream, of any JSON value."""

    async def step(connection: Connection) -> None:
        await connection.send(b"data: " + to_json(value) + b"\n\n")

    return step


def choice(delta: Mapping[str, Any], finish_reason: str | None = None, **more: object) -> Step:
    """One event with one choice, in the shape of the route that was asked."""

    async def step(connection: Connection) -> None:
        chat = connection.requested.path.endswith("/chat/completions")
        what = {"delta": delta} if chat else {"text": delta.get("content") or ""}
        one = {"finish_reason": finish_reason, "index": 0, **what, **more}
        await event({"choices": [one], **head_of(connection)})(connection)

    return step


def each(*deltas: Mapping[str, Any]) -> Step:
    """One event for each delta."""

    async def step(connection: Connection) -> None:
        for delta in deltas:
            await choice(delta)(connection)

    return step


def say(*texts: str) -> Step:
    """One event of content for each text."""
    return each(*({"content": text} for text in texts))


def think(*texts: str) -> Step:
    """One event of `reasoning_content` for each text."""
    return each(*({"reasoning_content": text} for text in texts))


def tool_call(name: str, arguments: Mapping[str, Any], call_id: str = "call_1") -> Step:
    """One whole tool call in one event."""
    function = {"name": name, "arguments": json.dumps(arguments)}
    call = {"index": 0, "id": call_id, "type": "function", "function": function}
    return choice({"tool_calls": [call]})


def finish(reason: str = "stop") -> Step:
    """The event with the finish reason."""
    return choice({}, reason)


def usage(prompt: int, completion: int) -> Step:
    """The event with usage, without choices."""

    async def step(connection: Connection) -> None:
        account = {"usage": usage_of(prompt, completion)}
        await event({"choices": [], **head_of(connection), **account})(connection)

    return step


def done() -> Step:
    """`data: [DONE]`."""
    return raw(b"data: [DONE]\n\n")


def raw(data: bytes) -> Step:
    """Bytes of the body as they are."""

    async def step(connection: Connection) -> None:
        await connection.send(data)

    return step


def sliced(data: bytes, size: int = 1) -> Step:
    """The same bytes in slices of `size`, each with a packet of its own."""

    async def step(connection: Connection) -> None:
        for start in range(0, len(data), size):
            await connection.send(data[start : start + size])
            await asyncio.sleep(0)

    return step


def drip(text: str, every: float, times: int = 1_000_000) -> Step:
    """The text again and again, every so many seconds."""

    async def step(connection: Connection) -> None:
        for _ in range(times):
            await say(text)(connection)
            await asyncio.sleep(every)

    return step


def heartbeat(every: float, times: int = 1_000_000) -> Step:
    """Comment lines, which say only that the connection lives."""

    async def step(connection: Connection) -> None:
        for _ in range(times):
            await connection.send(b": alive\n\n")
            await asyncio.sleep(every)

    return step


def flood(size: int, piece: bytes = b"x" * 65536) -> Step:
    """At least `size` bytes without a line break, as fast as the client takes them."""

    async def step(connection: Connection) -> None:
        await connection.send(b"data: ")
        for _ in range(0, size, len(piece)):
            await connection.send(piece)

    return step


def garbage() -> Step:
    """An event that is no JSON."""
    return raw(b"data: {not json\n\n")


def pause(seconds: float) -> Step:
    """Nothing for a while."""

    async def step(_: Connection) -> None:
        await asyncio.sleep(seconds)

    return step


def stall() -> Step:
    """Nothing until the client leaves."""
    return pause(3600)


def opened(
    status: int = 200,
    media_type: str = "text/event-stream",
    headers: Mapping[str, str] | None = None,
    *,
    chunked: bool = True,
) -> Step:
    """Status and headers now, the body later; not chunked: the end of the connection ends it."""

    async def step(connection: Connection) -> None:
        await connection.head(
            status, {"Content-Type": media_type, **(headers or {})}, chunked=chunked
        )

    return step


def answer(
    status: int = 200,
    body: object = "",
    headers: Mapping[str, str] | None = None,
    media_type: str = "application/json; charset=utf-8",
) -> Step:
    """A whole answer with a length: text and bytes as they are, anything else as JSON."""

    async def step(connection: Connection) -> None:
        data = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else None
        data = to_json(body) if data is None else data
        fields = {"Content-Type": media_type, "Content-Length": str(len(data)), **(headers or {})}
        await connection.head(status, fields, chunked=False)
        await connection.put(data)

    return step


def cut() -> Step:
    """The connection is closed where it stands."""

    async def step(connection: Connection) -> None:
        await asyncio.sleep(0.02)  # what was sent before has to arrive
        connection.writer.close()
        raise HangupError

    return step


def reset() -> Step:
    """The connection is reset (RST) where it stands."""

    async def step(connection: Connection) -> None:
        await asyncio.sleep(0.02)
        plug = connection.writer.get_extra_info("socket")
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.writer.transport.abort()
        raise HangupError

    return step
