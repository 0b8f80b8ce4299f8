"""How calls are ended when the service stops: an error of their own, and no other cancellation."""

from __future__ import annotations

import asyncio

import pytest
from starlette.types import Message, Receive, Scope, Send

from ollama_facade.errors import OllamaError
from ollama_facade.server.disconnect import DisconnectMiddleware, DisconnectWatcher
from ollama_facade.server.request_state import RequestState
from ollama_facade.server.shutdown import SHUTTING_DOWN, Shutdown, ShutdownGuard, ShutdownMiddleware
from tests.server.asgi import Seen, alone, scope_of


async def stays() -> Message:
    await asyncio.sleep(3600)
    return {"type": "http.disconnect"}


async def run(shutdown: Shutdown, reported: list[str]) -> bool:
    scope = scope_of()

    async def call(_scope: Scope, _receive: Receive, _send: Send) -> None:
        try:
            with ShutdownGuard(RequestState.of(scope)):
                await asyncio.sleep(3600)
        except OllamaError as error:
            reported.append(error.message)
            await asyncio.sleep(0)
            reported.append("written")

    async def send(_message: Message) -> None:
        raise AssertionError

    await DisconnectMiddleware(call, shutdown)(scope, stays, send)
    return not RequestState.of(scope).client_gone


def test_what_runs_is_reported_once_and_goes_on_to_its_end() -> None:
    async def all_of_it() -> None:
        shutdown, reported = Shutdown(), list[str]()
        task = asyncio.create_task(run(shutdown, reported))
        await asyncio.sleep(0)
        shutdown.begin()
        assert reported == []
        shutdown.expire()
        shutdown.expire()
        assert await task is True
        assert reported == [SHUTTING_DOWN, "written"]
        assert not task.cancelling()

    asyncio.run(all_of_it())


def test_a_cancellation_from_elsewhere_stays_one() -> None:
    async def all_of_it() -> None:
        shutdown, reported = Shutdown(), list[str]()
        task = asyncio.create_task(run(shutdown, reported))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert reported == []

    asyncio.run(all_of_it())


def test_what_has_ended_is_left_alone() -> None:
    async def all_of_it() -> None:
        shutdown, watcher = Shutdown(), DisconnectWatcher(stays, b"")

        async def call() -> None:
            await asyncio.sleep(0)

        shutdown.add(watcher)
        assert await watcher.run(call(), lambda: True)
        watcher.stop()
        shutdown.expire()
        await asyncio.sleep(0)

    asyncio.run(all_of_it())


def test_only_a_service_that_stops_refuses() -> None:
    shutdown = Shutdown()
    assert shutdown.refusal is None
    shutdown.begin()
    assert shutdown.refusal is not None
    assert (shutdown.refusal.status, shutdown.refusal.message) == (503, SHUTTING_DOWN)


def test_alone_it_refuses_what_comes_late_but_not_what_is_public() -> None:
    shutdown, app = Shutdown(), Seen()
    middleware = ShutdownMiddleware(app, shutdown)
    assert asyncio.run(alone(middleware, scope_of())).status == 200
    shutdown.begin()
    assert asyncio.run(alone(middleware, scope_of())).status == 503
    assert asyncio.run(alone(middleware, scope_of("GET", "/"))).status == 200
    assert shutdown.under_way == 0
