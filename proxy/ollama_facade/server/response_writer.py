"""The `send` of the application: writes one response, counts it, times it, and ends it properly.

It adds the headers that every response has (CORS, the request id), leaves out the body of HEAD,
counts for the log, times every write, and completes or cuts a response that broke off.
"""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.types import Message, Receive, Send

from ollama_facade.contract import ErrorForm
from ollama_facade.errors import OllamaError
from ollama_facade.server.error_responses import CLOSE, INTERNAL_ERROR, Headers, send_error
from ollama_facade.server.request_record import RequestRecord

HIGH_WATER_BYTES = 65_536
"""Bytes that uvicorn takes into its buffer before `send` waits for the client."""

DRAIN_SECONDS = 1.0
"""Seconds in which the rest of a refused body is thrown away, so that the response can be read."""

_NDJSON = b"application/x-ndjson"
_EVENTS = b"text/event-stream"
_BUG_LINE = b'{"error":"internal server error"}\n'


class CutError(Exception):
    """A response cannot be ended truthfully, and the server has no way to cut the connection."""


class ResponseWriter:
    """The response to one request.

    `headers` go out with it and may grow until it starts; `timeout` is seconds for each write, None
    for no limit.
    """

    __slots__ = (
        "_arrived",
        "_began",
        "_closing",
        "_frame_end",
        "_head",
        "_headers",
        "_held",
        "_loop",
        "_ndjson",
        "_record",
        "_send",
        "_timeout",
        "_timer",
        "ended",
        "started",
    )

    def __init__(
        self, send: Send, record: RequestRecord, timeout: float | None, headers: Headers
    ) -> None:
        self._send = send
        self._record = record
        self._timeout = timeout
        self._headers = headers
        self._head = record.method == "HEAD"
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._began: float | None = None
        self._arrived = self._loop.time()
        self._ndjson = False
        self._frame_end = b""
        self._closing = False
        self._held = False
        self.started = False
        self.ended = False

    def close_after(self) -> None:
        """Ends the connection with this response, because the request's body was not read."""
        self._closing = True
        self._headers.append(CLOSE)

    def is_ended(self) -> bool:
        """Whether the last message of the response was sent."""
        return self.ended

    async def send(self, message: Message) -> None:
        """ASGI's `send` for the application."""
        if message["type"] == "http.response.start":
            await self._write(self._start(message))
        elif message["type"] == "http.response.body":
            await self._body(message)
        else:
            await self._write(message)

    def _start(self, message: Message) -> Message:
        headers = list(message.get("headers", ()))
        self.started = True
        self._record.status = message["status"]
        for name, value in headers:
            if name == b"content-type":
                self._ndjson = value.startswith(_NDJSON)
                if self._ndjson:
                    self._frame_end = b"\n"
                elif value.startswith(_EVENTS):
                    self._frame_end = b"\n\n"
                break
        if self._timeout is not None:
            self._timer = self._loop.call_later(self._timeout, self._check, self._timeout)
        return {**message, "headers": headers + self._headers} if self._headers else message

    async def _body(self, message: Message) -> None:
        body: bytes = message.get("body", b"")
        more: bool = message.get("more_body", False)
        record = self._record
        if self._head:
            body = b""
        record.bytes += len(body)
        if self._frame_end and body:
            if record.first is None:
                record.first = self._loop.time() - self._arrived
            record.frames += body.count(self._frame_end)
            if self._ndjson and body.startswith(b'{"error":'):
                record.outcome = record.outcome or "backend_error"
        if more:
            await self._write({"type": "http.response.body", "body": body, "more_body": True})
            return
        self.ended = True
        if self._closing:
            self._held = True
        elif len(body) > HIGH_WATER_BYTES:
            # A second write waits until the client has taken the first one, and is timed.
            await self._write({"type": "http.response.body", "body": body, "more_body": True})
            body = b""
        await self._write({"type": "http.response.body", "body": body, "more_body": self._held})

    async def _write(self, message: Message) -> None:
        self._began = self._loop.time()
        await self._send(message)
        self._began = None

    def _check(self, timeout: float) -> None:
        """Aborts the connection when the write under way is overdue; else checks again."""
        now = self._loop.time()
        deadline = (self._began or now) + timeout
        if deadline > now:
            self._timer = self._loop.call_at(deadline, self._check, timeout)
            return
        self._timer = None
        self._record.outcome = "client_stalled"
        self._abort()

    async def fail(self, form: ErrorForm) -> None:
        """Ends the response after a bug: with a 500, an error line, or by cutting the connection.

        Raises CutError when nothing else keeps half a response from looking whole.
        """
        self._record.outcome = "internal_error"
        if not self.started:
            await send_error(self.send, OllamaError(500, INTERNAL_ERROR), form)
        elif not self.ended:
            if self._ndjson:
                await self.send({"type": "http.response.body", "body": _BUG_LINE})
            elif not self._abort():
                raise CutError

    async def give_up(self, receive: Receive, form: ErrorForm) -> None:
        """Calls `fail` and `finish` where it is not known how much of the request was read."""
        self.close_after()
        await self.fail(form)
        await self.finish(receive)

    async def finish(self, receive: Receive) -> None:
        """Discards an unread body for a while, completes the response, and stops the timer."""
        try:
            if self._held:
                self._held = False
                await _linger(receive)
                await self._write({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            if self._timer is not None:
                self._timer.cancel()

    def _abort(self) -> bool:
        """Cuts the connection; False when the server does not let us.

        ASGI has no message for that, and a closed connection would first wait for the client to
        read. Uvicorn's `send` is a method of an object that holds the transport.
        """
        transport: Any = getattr(getattr(self._send, "__self__", None), "transport", None)
        abort = getattr(transport, "abort", None)
        if abort is None:
            return False
        abort()
        return True


async def wait_for_disconnect(receive: Receive) -> None:
    """Returns when the client has gone or its request is over; discards what it still sends."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _linger(receive: Receive) -> None:
    """Discards what the client still sends; the kernel would reset the connection otherwise."""
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            await wait_for_disconnect(receive)
    except TimeoutError:
        return
