"""One request on a socket, and what a step may do with the answer."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.upstream.server import Upstream

Step = Callable[["Connection"], Awaitable[None]]


@dataclass
class Asked:
    """One request as it arrived, and how its answer went.

    `headers` have lower-case names. `left` is the monotonic time at which the client closed the
    connection before the answer was complete, None when it did not.
    """

    method: str
    path: str
    headers: dict[str, str]
    data: bytes
    arrived: float
    left: float | None = None
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def body(self) -> Any:
        """The JSON value of the body; None when it is empty or no JSON."""
        try:
            return json.loads(self.data) if self.data else None
        except ValueError:
            return None


Scenario = Sequence[Step] | Callable[[Asked], Sequence[Step]]


class HangupError(Exception):
    """The connection is over: cut by a step, or left by the client."""


class Connection:
    """What a step may do with the socket."""

    def __init__(
        self,
        server: Upstream,
        requested: Asked,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.server, self.requested, self.reader, self.writer = server, requested, reader, writer
        self.started = self.chunked = self.keep = False

    async def head(self, status: int, headers: Mapping[str, str], *, chunked: bool) -> None:
        """The status line and the headers; `chunked` frames what `send` gets from then on."""
        self.started, self.chunked = True, chunked
        self.keep = chunked or any(name.lower() == "content-length" for name in headers)
        framing = {"Transfer-Encoding": "chunked"} if chunked else {}
        if not self.keep:
            framing["Connection"] = "close"
        lines = [f"HTTP/1.1 {status} Scripted"]
        lines += [f"{name}: {value}" for name, value in {**headers, **framing}.items()]
        await self.put("\r\n".join(lines).encode() + b"\r\n\r\n")

    async def stream(self) -> None:
        """Begins an ordinary event stream, unless the answer has begun."""
        if not self.started:
            await self.head(200, {"Content-Type": "text/event-stream"}, chunked=True)

    async def send(self, data: bytes) -> None:
        """Bytes of the body."""
        await self.stream()
        if data:
            await self.put(b"%x\r\n%b\r\n" % (len(data), data) if self.chunked else data)

    async def put(self, data: bytes) -> None:
        """Bytes as they are."""
        self.writer.write(data)
        await self.writer.drain()

    async def end(self) -> None:
        """Ends the body properly."""
        await self.stream()
        if self.chunked:
            await self.put(b"0\r\n\r\n")


async def play(steps: Sequence[Step], connection: Connection) -> None:
    for step in steps:
        await step(connection)
    await connection.end()


async def read_request(reader: asyncio.StreamReader, ahead: bytes) -> Asked | None:
    """The next request; None when the connection was closed between two."""
    try:
        head = ahead + await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    pairs = (line.partition(":") for line in lines if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    if "chunked" in headers.get("transfer-encoding", ""):
        data = b""
        while size := int((await reader.readline()).split(b";")[0], 16):
            data += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
    else:
        data = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(method, target.partition("?")[0], headers, data, time.monotonic())
