"""Clients that leave: their calls are cancelled, and nothing else is."""

from __future__ import annotations

import asyncio
import threading

import pytest
import structlog
from starlette.types import Message, Receive, Scope, Send

from ollama_facade.server.disconnect import DisconnectMiddleware
from ollama_facade.server.request_state import RequestState
from ollama_facade.server.shutdown import Shutdown
from tests.raw import RawClient, request_bytes
from tests.server.asgi import (
    Held,
    LoggedRequest,
    Seen,
    call,
    scope_of,
    served,
    stack,
    under_way,
)

CHAT = {"Host": "localhost"}


class Stalled:
    """Sends `before` of a stream, then waits for ever; says what became of it."""

    def __init__(self, *before: bytes) -> None:
        self.entered = threading.Event()
        self.cancelled = threading.Event()
        self.cleaned = threading.Event()
        self._before = before

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "GET":
            await Seen()(scope, receive, send)
            return
        try:
            if self._before:
                headers = [(b"content-type", b"application/x-ndjson")]
                await send({"type": "http.response.start", "status": 200, "headers": headers})
            for line in self._before:
                await send({"type": "http.response.body", "body": line, "more_body": True})
            self.entered.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        finally:
            # Cleaning up may wait: the backend's connection is closed here.
            await asyncio.sleep(0)
            self.cleaned.set()


@pytest.mark.parametrize("before", ((), (b'{"a":1}\n',)), ids=("before the first frame", "after"))
def test_a_client_that_leaves_cancels_the_call(before: tuple[bytes, ...]) -> None:
    app = Stalled(*before)
    wrapped = stack(app)
    with served(wrapped) as port:
        with RawClient("127.0.0.1", port) as client:
            client.send(request_bytes("POST", "/api/chat", CHAT, b"{}"))
            assert app.entered.wait(5)
        assert app.cancelled.wait(60)
        assert app.cleaned.wait(60)
        with RawClient("127.0.0.1", port) as client:
            client.send(request_bytes("GET", "/api/version"))
            assert client.read_answer("GET").status == 200
    assert under_way(wrapped) == 0


def test_a_client_that_leaves_before_its_body_is_whole_calls_nothing() -> None:
    app = Seen()
    logged = LoggedRequest()
    with structlog.testing.capture_logs(processors=[logged]), served(stack(app)) as port:
        with RawClient("127.0.0.1", port) as client:
            client.send(request_bytes("POST", "/api/chat", {**CHAT, "Content-Length": "9"}) + b"{")
        assert logged.wait() == {"status": 0, "outcome": "client_gone"}
    assert app.scopes == []


def test_what_runs_after_a_complete_answer_is_not_cancelled() -> None:
    cleaned = threading.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await Seen()(scope, receive, send)
        await asyncio.sleep(0.01)
        cleaned.set()

    with served(stack(app)) as port, RawClient("127.0.0.1", port) as client:
        client.send(request_bytes("POST", "/api/show", CHAT, b"{}"))
        assert client.read_answer().status == 200
        assert cleaned.wait(5)


def test_the_application_that_listens_hears_that_the_client_left() -> None:
    async def leave() -> list[str]:
        heard = []

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            heard.append((await receive())["type"])
            try:
                heard.append((await receive())["type"])
            finally:
                heard.append("over")

        messages = [{"type": "http.disconnect"}]

        async def receive() -> Message:
            return messages.pop()

        async def send(_message: Message) -> None:
            raise AssertionError("nobody is there")

        await stack(app)(scope_of(), receive, send)
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
        return heard

    assert asyncio.run(leave()) == ["http.request", "over"]


def test_an_application_that_swallows_its_cancellation_leaves_the_task_in_order() -> None:
    async def leave() -> None:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            with pytest.raises(asyncio.CancelledError):
                await asyncio.Event().wait()

        async def receive() -> Message:
            return {"type": "http.disconnect"}

        async def send(_message: Message) -> None:
            raise AssertionError("nobody is there")

        await stack(app)(scope_of(), receive, send)
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0

    asyncio.run(leave())


def test_a_cancellation_by_the_server_is_passed_on() -> None:
    async def stop() -> None:
        app = Held()
        wrapped = stack(app)
        task = asyncio.create_task(call(wrapped, "POST", "/api/chat", CHAT, b"{}"))
        await app.entered.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert under_way(wrapped) == 0

    asyncio.run(stop())


def test_alone_it_cancels_the_call_of_a_client_that_leaves() -> None:
    app = Stalled()
    scope = scope_of()

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(_message: Message) -> None:
        raise AssertionError("nobody is there")

    asyncio.run(DisconnectMiddleware(app, Shutdown())(scope, receive, send))
    assert app.cleaned.is_set()
    assert RequestState.of(scope).record.outcome == "client_gone"
