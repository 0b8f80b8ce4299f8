"""Kept connections, none of which is used again after bytes arrived on it while it was idle.

Nothing in HTTP/1.1 ties a response to its request. Bytes that arrive on an idle connection would be
read as the response to the next request, which may be another client's (faults.md row 64). Bytes
that arrive after that request was sent cannot be told from its response.

    in use ──release──▶ idle      IdleProtocol takes the place of aiohttp's protocol
    idle ──bytes, EOF──▶ closed
    idle ──connect──▶ in use      aiohttp's protocol is put back
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import aiohttp
from aiohttp.connector import Connection


class Connector(aiohttp.TCPConnector):
    """aiohttp's pool of connections, with a guard on each idle one."""

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Any],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - the signature is aiohttp's
    ) -> Connection:
        """Returns a kept connection that nothing arrived on, or a new one."""
        while True:
            connection = await super().connect(req, traces, timeout)
            transport, protocol = connection.transport, connection.protocol
            if protocol is None or transport is None:
                connection.close()
                continue
            if isinstance(transport.get_protocol(), IdleProtocol):
                transport.set_protocol(protocol)
                # A second response that came in one read with the first is buffered here.
                if protocol.should_close:
                    connection.close()
                    continue
            connection.add_callback(partial(_guard, connection))
            return connection


def _guard(connection: Connection) -> None:
    """Watches a connection that is being released."""
    transport, protocol = connection.transport, connection.protocol
    if transport is None or protocol is None:
        return
    # A backend may answer before it has read the request; the rest of it must not be sent later.
    if transport.get_write_buffer_size() > 0:
        protocol.force_close()
    transport.set_protocol(IdleProtocol(protocol, protocol.close))


class IdleProtocol(asyncio.Protocol):
    """Closes an idle connection at the first byte; passes everything else to aiohttp's protocol."""

    __slots__ = ("_close", "_protocol")

    def __init__(self, protocol: asyncio.Protocol, close: Callable[[], None]) -> None:
        self._protocol = protocol
        self._close = close

    def data_received(self, data: bytes) -> None:  # noqa: ARG002
        """Closes the connection, which the pool then drops."""
        self._close()

    def eof_received(self) -> None:
        """Lets the transport close itself."""
        self._protocol.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """Marks the connection as closed."""
        self._protocol.connection_lost(exc)

    def pause_writing(self) -> None:
        """Passes on that the write buffer is full."""
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        """Passes on that the write buffer is empty again."""
        self._protocol.resume_writing()
