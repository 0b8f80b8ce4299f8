"""A request and its answer on one of aiohttp's connections, without aiohttp's request objects.

aiohttp connects, keeps connections and parses what comes. The head of a request, which
`ClientSession.request` makes anew each time, is made once for all requests of a kind; with the
objects around it, that was half of what asking cost. (tests/backend/test_posting.py holds what is
sent and raised against the SDK's own way.)
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from functools import cached_property
from typing import Any, cast

import aiohttp
import httpx2
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_writer import _serialize_headers
from multidict import CIMultiDict
from openai._vendor.httpx_aiohttp.transport import map_aiohttp_exceptions
from yarl import URL

from ollama_facade.backend.connector import Connector
from ollama_facade.errors import BackendError

ANSWER_LIMIT = 64 * 1024 * 1024
"""Bytes of an answer that is not a stream: 2,048 vectors of 1,536 numbers fit."""

COPIED = 64 * 1024
"""Bytes of a body that leave in one packet with the head; more are not worth a copy."""

READ_AHEAD = 256 * 1024
"""Bytes that are read ahead of whoever reads the answer; aiohttp's own default."""


class BackendResponse:
    """The answer to a request: its head is there, its body is read by whoever has it."""

    __slots__ = ("_connection", "_content", "headers", "raw_headers", "status_code")

    def __init__(
        self, connection: Connection, message: aiohttp.http.RawResponseMessage, content: Any
    ) -> None:
        self._connection = connection
        self._content: aiohttp.StreamReader = content
        self.status_code = message.code
        self.headers: Mapping[str, str] = message.headers
        self.raw_headers = message.raw_headers
        content.on_eof(connection.release)

    async def aiter_raw(self) -> AsyncIterator[bytes]:
        """The bytes as they come, all that are there at a time."""
        while part := await self._some():
            yield part

    async def aread(self) -> bytes:
        """The whole body. Raises BackendError for one that is too large."""
        parts, size = [], 0
        while part := await self._some():
            size += len(part)
            if size > ANSWER_LIMIT:
                raise BackendError(502, "backend sent too much", kind="oversize")
            parts.append(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def _some(self) -> bytes:
        try:
            return await self._content.readany()
        except Exception:
            raise_as_the_sdk()
            raise

    async def aclose(self) -> None:
        """Closes the connection where the body was not read to its end; else it is kept."""
        self._connection.close()


class _Pattern(aiohttp.ClientRequest):
    """A request that is never sent: where the connections go, and what heads are made of."""

    @cached_property
    def connection_key(self) -> Any:
        """What aiohttp would work out each time that a connection is asked for."""
        return super().connection_key


class Destination:
    """Where the requests of a kind go. To be made while the loop runs that asks."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        headers: CIMultiDict[str],
        timeout: aiohttp.ClientTimeout,
        proxy: httpx2.Proxy | None,
    ) -> None:
        self._connector = cast("Connector", session.connector)
        self._timeout = timeout
        told: dict[str, Any] = {}
        if proxy is not None:
            told = {
                "proxy": URL(str(proxy.url)),
                "proxy_auth": aiohttp.BasicAuth(*proxy.auth) if proxy.auth else None,
                "proxy_headers": proxy.headers,
            }
        self._request = _Pattern(
            "POST",
            URL(url),
            headers=headers,
            session=session,
            loop=asyncio.get_running_loop(),
            **told,
        )
        self._head = b""

    async def ask(self, body: bytes, request_id: str = "") -> BackendResponse:
        """Sends a request with this body, and gives the answer once its head is there.

        `request_id` is plain ASCII, or empty. Raises what aiohttp raises.
        """
        connection = await self._connected()
        try:
            protocol = cast("ResponseHandler", connection.protocol)
            protocol.set_response_params(
                auto_decompress=False,
                read_until_eof=True,
                read_timeout=self._timeout.sock_read,
                read_bufsize=READ_AHEAD,
            )
            head = self._head
            if request_id:
                head += b"X-Request-ID: %b\r\n" % request_id.encode("ascii")
            head += b"Content-Length: %d\r\n\r\n" % len(body)
            transport = protocol.transport
            if transport is None or transport.is_closing():
                raise aiohttp.ClientConnectionResetError("Cannot write to closing transport")
            transport.write(head + body) if len(body) <= COPIED else transport.writelines(
                [head, body]
            )
            protocol.start_timeout()
            while True:
                message, content = await protocol.read()
                if message.code >= 200 or message.code == 101:
                    return BackendResponse(connection, message, content)
        except HttpProcessingError as error:
            connection.close()
            raise aiohttp.ClientResponseError(
                self._request.request_info,
                (),
                status=error.code,
                message=error.message,
                headers=error.headers,
            ) from error
        except BaseException:
            connection.close()
            raise

    async def _connected(self) -> Connection:
        try:
            connection = await self._connector.connect(self._request, [], self._timeout)
        except TimeoutError as error:
            raise aiohttp.ConnectionTimeoutError(
                f"Connection timeout to host {self._request.url}"
            ) from error
        if not self._head:
            self._head = self._made_head()
        return connection

    def _made_head(self) -> bytes:
        """All of a head but what differs between requests; the first connection may add to it."""
        request = self._request
        proxied = request.proxy is not None and not request.is_ssl()
        target = str(request.url) if proxied else request.url.raw_path_qs
        headers = request.headers.copy()
        headers.popall("Content-Length", None)
        # It ends in an empty line, which is not yet to come.
        return _serialize_headers(f"POST {target} HTTP/1.1", headers)[:-2]


def raise_as_the_sdk() -> None:
    """The exception of aiohttp that is being handled, as the SDK's transport maps it."""
    with map_aiohttp_exceptions():
        raise  # noqa: PLE0704 - to be called while one is handled
