"""The HTTP/1.1 protocol of a connection: uvicorn's on httptools, with the refusals of h11.

httptools is twice as fast as h11 (1.46 times less CPU for a chat), but alone it takes a megabyte of
headers and requests with no Host or two, waits for ever for the end of a head, and loses the host
of a target like ``http://host/path`` (faults.md rows 23-27). Upgrades and HTTP/1.0 are handed over
to h11, which knows what they may be sent. This is the only module that knows uvicorn's inside;
each override says why it is there.

A connection is in one of three states:

    between requests   no bytes of a head have come; uvicorn's keep-alive timer runs
    in a head          from on_message_begin to on_headers_complete; the head timer runs, and the
                       head's bytes are counted. Too many, or too late: 400, or closed
    in a body          from on_headers_complete to on_message_complete; BodyMiddleware limits it
"""

from __future__ import annotations

import asyncio
import re
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ollama_facade.server.request_head import BODY_COMPLETE

MAX_HEAD_BYTES = 64 * 1024
"""Bytes of a request line and its headers; h11 draws the same line."""

HEAD_TIMEOUT_SECONDS = 10.0
"""Seconds for a head to be complete, from the connection or from its first bytes on."""

_TARGET = re.compile(rb"[\x21-\x7e]+")


class RefusedError(Exception):
    """The head of a request is not acceptable. httptools makes it a 400."""


class HandOverError(Exception):
    """h11 has to go on: for another protocol, or for HTTP/1.0, whose answers have no chunks."""


def http_protocol(head_timeout: float) -> type[HttpProtocol]:
    """Returns the protocol with this many seconds for a head."""
    return type("HttpProtocol", (HttpProtocol,), {"head_timeout": head_timeout})


class _OneResponse:
    """A body whose framing breaks gets one response: the one under way, cut, or the 400."""

    def send_400_response(self, msg: str) -> None:
        """Called when the input cannot be parsed. Overridden: uvicorn would send a second response.

        Uvicorn writes the 400 into a response that has begun.
        """
        protocol: Any = self
        cycle = protocol.cycle
        running = cycle is not None and not cycle.response_complete
        if running and cycle.response_started:
            protocol.transport.close()
            return
        super().send_400_response(msg)  # type: ignore[misc] # uvicorn's two protocols have it
        if running:
            # The application must learn that nobody reads its response.
            cycle.disconnected = True
            cycle.message_event.set()


class _H11Protocol(_OneResponse, H11Protocol):
    """A connection that was handed over to h11."""


class HttpProtocol(_OneResponse, HttpToolsProtocol):
    """One connection."""

    head_timeout = HEAD_TIMEOUT_SECONDS

    _deadline: asyncio.TimerHandle | None = None
    _in_head = False
    _begun = 0
    _fed = 0
    _size = 0
    _tail = b""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # The first is uvicorn's own. The second leaves a body with both Content-Length and
        # Transfer-Encoding to BodyMiddleware, which refuses it in Ollama's form.
        self.parser.set_dangerous_leniencies(
            lenient_data_after_close=True, lenient_chunked_length=True
        )

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Overridden: uvicorn waits for ever for a client that connects and sends nothing."""
        super().connection_made(transport)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Overridden: stops the timer of the head."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Overridden: counts and times a head that is not complete, and hands over to h11.

        Uvicorn's own would write a traceback for each head that is refused.
        """
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
                if self._fed > MAX_HEAD_BYTES:
                    self._refuse()
                elif self._deadline is None:
                    self._start_timer()

    def on_message_begin(self) -> None:
        """Overridden: a head begins, and its bytes are counted anew."""
        super().on_message_begin()
        self._in_head = True
        self._begun += 1
        self._tail = b""
        self._fed = self._size = 0

    def on_url(self, url: bytes) -> None:
        """Overridden: a target of any length would be taken."""
        super().on_url(url)
        self._count_bytes(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Overridden: counts the bytes, and leaves out the trailers of a chunked body.

        The rest is uvicorn's own, repeated here because each call of a header has its price.
        """
        if not self._in_head:
            return
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))
        self._count_bytes(len(name) + len(value) + 4)

    def on_headers_complete(self) -> None:
        """Overridden: refuses a head that h11 would refuse, before the application is called.

        Uvicorn is given `/` as target, since its parser stumbles over odd ones and loses the host
        of an absolute one; the scope gets the target as it was sent.
        """
        self._in_head = False
        self._stop_timer()
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
        raw_path, _, query = target.partition(b"?")
        path = raw_path.decode("ascii")
        self.scope["path"] = unquote(path) if "%" in path else path
        self.scope["raw_path"] = raw_path
        self.scope["query_string"] = query

    def on_message_complete(self) -> None:
        """Overridden: tells BodyMiddleware that it need not time a body that has arrived."""
        self.scope["extensions"] = {BODY_COMPLETE: {}}
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

        No other protocol is served. h11 reads on in HTTP/1.1; httptools would take the body for
        the other protocol. Java's client asks for HTTP/2 with its first request.
        """
        self._stop_timer()
        lines = [b"%s: %s\r\n" % header for header in self.headers if header[0] != b"upgrade"]
        version = self.parser.get_http_version().encode()
        line = b"%s %s HTTP/%s\r\n" % (self.parser.get_method(), self.url, version)
        self.connections.discard(self)
        successor = _H11Protocol(self.config, self.server_state, self.app_state)
        successor.connection_made(self.transport)
        self.transport.set_protocol(successor)
        successor.data_received(b"".join([line, *lines, b"\r\n", rest]))

    def _count_bytes(self, size: int) -> None:
        self._size += size
        if self._size > MAX_HEAD_BYTES:
            raise RefusedError

    def _start_timer(self) -> None:
        self._deadline = self.loop.call_later(self.head_timeout, self._on_timeout)

    def _stop_timer(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _on_timeout(self) -> None:
        self._deadline = None
        if not self.transport.is_closing():
            self.transport.close()
