"""One timer for many waits."""

from __future__ import annotations

import asyncio

import pytest

from ollama_facade.backend.patience import Patience

SOON, LATER = 0.01, 30.0


async def silence() -> None:
    await asyncio.Event().wait()


async def some_time() -> None:
    """More than a short wait takes."""
    over = asyncio.Event()
    asyncio.get_running_loop().call_later(3 * SOON, over.set)
    await over.wait()


def test_the_first_wait_has_an_end() -> None:
    async def first() -> None:
        with Patience(SOON):
            await silence()

    with pytest.raises(TimeoutError):
        asyncio.run(first())


def test_a_shorter_wait_ends_before_the_one_that_was_begun() -> None:
    async def shorter() -> None:
        with Patience(LATER) as patience:
            patience.pause()
            patience.wait(SOON)
            await silence()

    with pytest.raises(TimeoutError):
        asyncio.run(shorter())


def test_a_wait_begins_anew_with_each_call() -> None:
    async def often() -> int:
        told = 0
        loop = asyncio.get_running_loop()
        with Patience(SOON) as patience:
            end = loop.time() + 3 * SOON
            while loop.time() < end:
                patience.wait(SOON)
                await asyncio.sleep(0)
                told += 1
        return told

    assert asyncio.run(often()) > 0


def test_nothing_ends_while_nothing_is_waited_for() -> None:
    async def paused() -> None:
        with Patience(SOON) as patience:
            patience.pause()
            await some_time()

    asyncio.run(paused())


def test_a_wait_after_a_pause_has_an_end_too() -> None:
    async def resumed() -> None:
        with Patience(SOON) as patience:
            patience.pause()
            await some_time()
            patience.wait(SOON)
            await silence()

    with pytest.raises(TimeoutError):
        asyncio.run(resumed())


def test_another_cancellation_stays_one() -> None:
    async def cancelled() -> None:
        with Patience(LATER):
            await silence()

    async def all_of_it() -> None:
        task = asyncio.create_task(cancelled())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(all_of_it())
