"""Connections that are kept, and what comes on them while nobody asks (faults.md row 64)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp.client_proto import ResponseHandler
from multidict import CIMultiDict
from ollama_facade.backend.exchange import Destination

from ollama_facade.backend.connector import Connector

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
STRAYS = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
    b"HTT",
    b"\r\n",
    b"0\r\n\r\n",
    b"x" * 1_000_000,
)


class Peer:
    """Answers everything; `send` writes to the connection that came last."""

    def __init__(self) -> None:
        self.writers: list[asyncio.StreamWriter] = []
        self.more = b""

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(ANSWER + self.more)
                self.more = b""
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


@asynccontextmanager
async def talking() -> AsyncIterator[tuple[aiohttp.ClientSession, Peer, str]]:
    peer = Peer()
    server = await asyncio.start_server(peer.accept, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    async with server, aiohttp.ClientSession(connector=Connector()) as session:
        yield session, peer, f"http://{host}:{port}/"
        for writer in peer.writers:
            writer.close()


async def asked(session: aiohttp.ClientSession, url: str) -> bytes:
    async with session.get(url) as answer:
        return await answer.read()


@pytest.mark.anyio
async def test_a_connection_is_used_again() -> None:
    async with talking() as (session, peer, url):
        assert [await asked(session, url) for _ in range(3)] == [b"ok"] * 3
        assert len(peer.writers) == 1


@pytest.mark.anyio
@pytest.mark.parametrize("stray", STRAYS, ids=lambda stray: repr(stray[:12]))
async def test_a_connection_on_which_something_came_is_left(stray: bytes) -> None:
    async with talking() as (session, peer, url):
        assert await asked(session, url) == b"ok"
        [kept] = _idle(session)
        received, receive = asyncio.Event(), kept.data_received

        def noted(data: bytes) -> None:
            receive(data)
            received.set()

        kept.data_received = noted  # type: ignore[method-assign]
        peer.writers[0].write(stray)
        async with asyncio.timeout(5):
            await received.wait()
        assert await asked(session, url) == b"ok"
        assert len(peer.writers) == 2


@pytest.mark.anyio
@pytest.mark.parametrize(("size", "kept"), [(10, 1), (64 * 1024 * 1024, 0)])
async def test_a_connection_is_left_that_has_not_taken_the_whole_request(
    size: int, kept: int
) -> None:
    """A backend may answer before it has read a body, and may never read it."""
    done = asyncio.Event()

    async def hasty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ANSWER)
        await done.wait()
        writer.close()

    server = await asyncio.start_server(hasty, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    async with server, aiohttp.ClientSession(connector=Connector()) as session:
        url, timeout = f"http://{host}:{port}/", aiohttp.ClientTimeout()
        answer = await Destination(session, url, CIMultiDict(), timeout, None).ask(b"x" * size)
        read = await answer.aread()
        await answer.aclose()
        done.set()
        assert (read, len(_idle(session))) == (b"ok", kept)


@pytest.mark.anyio
async def test_an_answer_that_comes_together_with_another_is_not_the_next_ones() -> None:
    async with talking() as (session, peer, url):
        peer.more = STRAYS[0]
        assert [await asked(session, url) for _ in range(2)] == [b"ok", b"ok"]
        assert len(peer.writers) == 2


def _idle(session: aiohttp.ClientSession) -> list[ResponseHandler]:
    assert session.connector is not None
    return [kept for waiting in session.connector._conns.values() for kept, _ in waiting]
