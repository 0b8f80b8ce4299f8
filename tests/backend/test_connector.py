"""Kept connections, and bytes that arrive on them while they are idle (faults.md row 64)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from ollama_facade.backend.client import Backend
from ollama_facade.backend.connector import Connector
from ollama_facade.errors import BackendError
from ollama_facade.translate.requests import BackendRequest
from tests.backend.conftest import Load


def reply(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
        len(body),
        body,
    )


GOOD, EVIL = reply(b'"ok"'), reply(b'"evil"')
STRAYS = (EVIL, b"HTT", b"\r\n", b"0\r\n\r\n", b"x" * 1_000_000)


class Peer:
    """Answers every request; writes stray bytes to the connection that came last."""

    def __init__(self, *, hasty: bool = False) -> None:
        self.writers: list[asyncio.StreamWriter] = []
        self.extra = b""
        self.hasty = hasty
        """Whether it answers once it has the head of a request, and never reads the body."""

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length:")[2].split()[0])
                if not self.hasty:
                    await reader.readexactly(length)
                writer.write(GOOD + self.extra)
                self.extra = b""
                if self.hasty:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


@asynccontextmanager
async def connected(load: Load, *, hasty: bool = False) -> AsyncIterator[tuple[Backend, Peer]]:
    peer = Peer(hasty=hasty)
    server = await asyncio.start_server(peer.accept, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    backend = Backend(load(OPENAI_BASE_URL=f"http://{host}:{port}/v1"))
    async with server:
        try:
            yield backend, peer
        finally:
            await backend.close()
            for writer in peer.writers:
                writer.close()


async def ask(backend: Backend, text: str = "Hi") -> object:
    body = {"model": "m", "messages": [{"role": "user", "content": text}], "stream": False}
    async with backend.open(BackendRequest("chat", body)) as response:
        return await response.value()


async def settle() -> None:
    """Lets the bytes that were written arrive."""
    await asyncio.sleep(0.05)


@pytest.mark.anyio
async def test_a_connection_is_used_again(load: Load) -> None:
    async with connected(load) as (backend, peer):
        assert [await ask(backend) for _ in range(3)] == ["ok"] * 3
        assert len(peer.writers) == 1


@pytest.mark.anyio
@pytest.mark.parametrize("stray", STRAYS, ids=lambda stray: repr(stray[:12]))
async def test_a_connection_on_which_bytes_arrived_is_closed(load: Load, stray: bytes) -> None:
    async with connected(load) as (backend, peer):
        assert await ask(backend) == "ok"
        peer.writers[0].write(stray)
        await settle()
        assert await ask(backend) == "ok"
        assert len(peer.writers) == 2


@pytest.mark.anyio
async def test_a_connection_that_the_backend_closes_is_not_used_again(load: Load) -> None:
    async with connected(load) as (backend, peer):
        assert await ask(backend) == "ok"
        peer.writers[0].close()
        await settle()
        assert await ask(backend) == "ok"
        assert len(peer.writers) == 2


@pytest.mark.anyio
async def test_a_second_response_in_one_read_with_the_first_is_not_the_next_requests(
    load: Load,
) -> None:
    async with connected(load) as (backend, peer):
        peer.extra = EVIL
        assert [await ask(backend) for _ in range(2)] == ["ok", "ok"]
        assert len(peer.writers) == 2


@pytest.mark.anyio
@pytest.mark.parametrize("settled", (True, False))
async def test_a_response_of_which_a_part_came_with_the_first_is_not_the_next_requests(
    load: Load, settled: bool
) -> None:
    """Aiohttp's parser forgets that part; what follows it is no response."""
    async with connected(load) as (backend, peer):
        peer.extra = EVIL[:20]
        assert await ask(backend) == "ok"
        peer.writers[0].write(EVIL[20:])
        if settled:
            await settle()
            assert await ask(backend) == "ok"
            return
        try:
            reply = await ask(backend)
        except BackendError as error:
            reply = str(error.status)
        assert reply in ("ok", "502")


@pytest.mark.anyio
async def test_a_connection_is_closed_that_has_not_taken_the_whole_request(load: Load) -> None:
    """A backend may answer before it has read a body, and may never read it."""
    async with connected(load, hasty=True) as (backend, peer):
        assert await ask(backend, "x" * 32 * 1024 * 1024) == "ok"
        assert await ask(backend) == "ok"
        assert len(peer.writers) == 2


def test_nothing_private_of_aiohttp_is_overridden() -> None:
    own = vars(Connector).keys() - {"__module__", "__doc__", "__static_attributes__"}
    assert {name for name in own if not name.startswith("__")} == {"connect"}
