"""Responses that nobody reads, or not fast."""

from __future__ import annotations

import asyncio
import threading

import structlog
from starlette.types import Receive, Scope, Send

from tests.raw import RawClient, request_bytes
from tests.server.asgi import (
    LoggedRequest,
    Seen,
    served,
    stack,
)

CHAT = {"Host": "localhost"}


def test_a_client_that_does_not_read_is_dropped_after_the_write_timeout() -> None:
    stopped = threading.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            headers = [(b"content-type", b"application/x-ndjson")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            while True:
                body = b"x" * 1_000_000 + b"\n"
                await send({"type": "http.response.body", "body": body, "more_body": True})
        finally:
            stopped.set()

    logged = LoggedRequest()
    with (
        structlog.testing.capture_logs(processors=[logged]),
        served(stack(app, write_timeout=0.2)) as port,
        RawClient("127.0.0.1", port) as client,
    ):
        client.send(request_bytes("POST", "/api/chat", CHAT, b"{}"))
        assert stopped.wait(10)
        assert logged.wait() == {"status": 200, "outcome": "client_stalled"}


def test_a_long_answer_that_nobody_reads_is_dropped_too() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await Seen(b"x" * 20_000_000)(scope, receive, send)

    logged = LoggedRequest()
    with (
        structlog.testing.capture_logs(processors=[logged]),
        served(stack(app, write_timeout=0.2)) as port,
        RawClient("127.0.0.1", port) as client,
    ):
        client.send(request_bytes("GET", "/api/tags"))
        assert logged.wait()["outcome"] == "client_stalled"


def test_a_slow_stream_is_not_dropped() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"application/x-ndjson")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for _ in range(3):
            await asyncio.sleep(0.06)
            await send({"type": "http.response.body", "body": b"{}\n", "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    with served(stack(app, write_timeout=0.05)) as port, RawClient("127.0.0.1", port) as client:
        client.send(request_bytes("POST", "/api/chat", CHAT, b"{}"))
        got = client.read_answer()
        assert (got.body, got.cut) == (b"{}\n" * 3, False)
