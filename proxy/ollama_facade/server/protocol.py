"""Requests parsed by httptools, which is twice as fast as h11, with what h11 refuses refused.

httptools alone takes a megabyte of headers and requests with no Host or two, waits for ever for the
end of a head, and loses the host of a target like ``http://host/path`` (faults.md rows 23-27).
Upgrades and HTTP/1.0 are left to h11, which knows what they may be sent.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ollama_facade.server.gathering import Gathering

HEAD_LIMIT = 64 * 1024
"""Bytes of a request line and its headers; h11 draws the same line."""

HEAD_TIMEOUT = 10.0
"""Seconds for a head to be complete, from the connection or from its first bytes on, where nothing
else is said."""

_TARGET = re.compile(rb"[\x21-\x7e]+")


class RefusedError(Exception):
    """The head of a request is not acceptable. httptools makes it a 400."""


class HandOverError(Exception):
    """h11 has to go on: for another protocol, or for HTTP/1.0, whose answers have no chunks."""


def guarded(seconds: float) -> type[HttpProtocol]:
    """The protocol with another time for heads."""
    return type("GuardedProtocol", (HttpProtocol,), {"head_timeout": seconds})


class _OneAnswer:
    """A body whose framing breaks gets one answer: the one under way, cut, or the 400."""

    def send_400_response(self, msg: str) -> None:
        """Called when what comes cannot be parsed."""
        protocol: Any = self
        cycle = protocol.cycle
        running = cycle is not None and not cycle.response_complete
        if running and cycle.response_started:
            protocol.transport.close()
            return
        super().send_400_response(msg)  # type: ignore[misc] # uvicorn's two protocols have it
        if running:
            # Whoever still works at the answer is told that nobody hears it.
            cycle.disconnected = True
            cycle.message_event.set()


class _Plain(_OneAnswer, H11Protocol):
    """A connection that is parsed by h11."""


class HttpProtocol(_OneAnswer, HttpToolsProtocol):
    """One connection."""

    head_timeout = HEAD_TIMEOUT

    _deadline: asyncio.TimerHandle | None = None
    _in_head = False
    _begun = 0
    _fed = 0
    _size = 0
    _tail = b""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # The first is uvicorn's own. The second leaves a body with two ends to the door, which
        # refuses it in Ollama's form.
        self.parser.set_dangerous_leniencies(
            lenient_data_after_close=True, lenient_chunked_length=True
        )

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client that connects and sends nothing is not waited for long."""
        super().connection_made(transport)
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        """The timer goes with the connection."""
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parses, and counts and times a head that is not complete yet."""
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError as error:
            _, end, rest = (self._tail + data).partition(b"\r\n\r\n")
            if isinstance(error.__context__, HandOverError) and end and self._begun == 1:
                self._hand_over(rest)
            else:
                self._refuse()
        else:
            self._begun = 0
            if self._in_head:
                self._begun, self._tail = 1, data[-3:]
                self._fed += len(data)
                if self._fed > HEAD_LIMIT:
                    self._refuse()
                elif self._deadline is None:
                    self._arm()

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._in_head = True
        self._begun += 1
        self._tail = b""
        self._fed = self._size = 0

    def on_url(self, url: bytes) -> None:
        """A part of the target."""
        super().on_url(url)
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, which is also called at the end of a chunked body for what follows it.

        What uvicorn does with one is done here: there are many, and each call has its price.
        """
        if not self._in_head:
            return
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))
        self._count(len(name) + len(value) + 4)

    def on_headers_complete(self) -> None:
        """The head is complete: what it lacks is refused before anybody is asked."""
        self._in_head = False
        self._disarm()
        target, self.url = self.url, b"/"
        if not _TARGET.fullmatch(target):
            raise RefusedError
        names = [name for name, _ in self.headers]
        if b"transfer-encoding" in names and self._has_odd_coding():
            raise RefusedError
        hosts = names.count(b"host")
        if hosts > 1 or (not hosts and self.parser.get_http_version() != "1.0"):
            raise RefusedError
        if self.parser.should_upgrade() or self.parser.get_http_version() == "1.0":
            self.url = target
            raise HandOverError
        super().on_headers_complete()
        if self.scope["method"] != "HEAD":
            # Before its task runs: that begins with the next round of the loop.
            cycle: Any = self.cycle
            cycle.transport = Gathering(self.transport, cycle)
        raw_path, _, query = target.partition(b"?")
        path = raw_path.decode("ascii")
        self.scope["path"] = unquote(path) if "%" in path else path
        self.scope["raw_path"] = raw_path
        self.scope["query_string"] = query

    def on_message_complete(self) -> None:
        """For the door, which need not wait for a body that is there when its task begins."""
        self.scope["facade.arrived"] = True  # type: ignore[typeddict-unknown-key] # ours
        super().on_message_complete()

    def _has_odd_coding(self) -> bool:
        return any(
            name == b"transfer-encoding" and value.lower() != b"chunked"
            for name, value in self.headers
        )

    def _refuse(self) -> None:
        self.logger.warning("Invalid HTTP request received.")
        self.send_400_response("Invalid HTTP request received.")

    def _hand_over(self, rest: bytes) -> None:
        """Lets h11 go on with a connection that asks for another protocol, or for HTTP/1.0.

        Nobody gets another one here. h11 reads on in HTTP/1.1; httptools would take the body for
        the other protocol. Java's client asks for HTTP/2 with its first request.
        """
        self._disarm()
        lines = [b"%s: %s\r\n" % header for header in self.headers if header[0] != b"upgrade"]
        version = self.parser.get_http_version().encode()
        line = b"%s %s HTTP/%s\r\n" % (self.parser.get_method(), self.url, version)
        self.connections.discard(self)
        other = _Plain(self.config, self.server_state, self.app_state)
        other.connection_made(self.transport)
        self.transport.set_protocol(other)
        other.data_received(b"".join([line, *lines, b"\r\n", rest]))

    def _count(self, size: int) -> None:
        self._size += size
        if self._size > HEAD_LIMIT:
            raise RefusedError

    def _arm(self) -> None:
        self._deadline = self.loop.call_later(self.head_timeout, self._overdue)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _overdue(self) -> None:
        self._deadline = None
        if not self.transport.is_closing():
            self.transport.close()
