"""How calls are ended when the service stops: an error of their own, and no other cancellation."""

from __future__ import annotations

import asyncio

import pytest
from starlette.types import Message

from ollama_facade.errors import OllamaError
from ollama_facade.server.disconnect import DisconnectWatcher
from ollama_facade.server.shutdown import TEXT, Shutdown, ShutdownGuard


async def stays() -> Message:
    await asyncio.sleep(3600)
    return {"type": "http.disconnect"}


async def run(stopping: Shutdown, presence: DisconnectWatcher, told: list[str]) -> bool:
    async def call() -> None:
        try:
            with ShutdownGuard({"facade.presence": presence}):
                await asyncio.sleep(3600)
        except OllamaError as error:
            told.append(error.message)
            await asyncio.sleep(0)
            told.append("written")

    return await stopping.run(presence, call(), lambda: False)


def test_what_runs_is_told_once_and_goes_on_to_its_end() -> None:
    async def all_of_it() -> None:
        stopping, presence, told = Shutdown(), DisconnectWatcher(stays, b""), list[str]()
        task = asyncio.create_task(run(stopping, presence, told))
        await asyncio.sleep(0)
        stopping.begin()
        assert told == []
        stopping.expire()
        stopping.expire()
        assert await task is True
        assert told == [TEXT, "written"]
        assert not task.cancelling()

    asyncio.run(all_of_it())


def test_a_cancellation_from_elsewhere_stays_one() -> None:
    async def all_of_it() -> None:
        stopping, presence, told = Shutdown(), DisconnectWatcher(stays, b""), list[str]()
        task = asyncio.create_task(run(stopping, presence, told))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert told == []

    asyncio.run(all_of_it())


def test_what_has_ended_is_left_alone() -> None:
    async def all_of_it() -> None:
        stopping, presence = Shutdown(), DisconnectWatcher(stays, b"")

        async def call() -> None:
            await asyncio.sleep(0)

        assert await stopping.run(presence, call(), lambda: True)
        presence.stop()
        stopping.expire()
        await asyncio.sleep(0)

    asyncio.run(all_of_it())


def test_only_a_service_that_stops_refuses() -> None:
    stopping = Shutdown()
    assert stopping.refusal is None
    stopping.begin()
    assert stopping.refusal is not None
    assert (stopping.refusal.status, stopping.refusal.message) == (503, TEXT)
