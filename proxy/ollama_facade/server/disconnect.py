"""Who watches the client: when it leaves, everything that is done for it is cancelled.

Uvicorn tells that a client has gone through `receive` only, so somebody has to wait there while
the application works: before the first token, in mid-stream and in a non-stream call alike
(faults.md rows 29 to 32, P3). The application runs in the task of the request; the watcher is a
second, small task, and cancels the first one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from starlette.types import Message, Receive

UNWATCHED = 0.05
"""Seconds that nobody looks whether the client is there: most whole answers take less, and a task
for each of them costs more than it could save."""


class DisconnectWatcher:
    """Whether the client is still there, and the `receive` that the application is given."""

    __slots__ = ("_body", "_departed", "_receive", "_stopped", "_task", "gone")

    def __init__(self, receive: Receive, body: bytes) -> None:
        self._receive = receive
        self._body: bytes | None = body
        self._departed = asyncio.Event()
        self.gone = False
        self._task: asyncio.Task[Any] | None = None
        self._stopped = False

    def stop(self) -> None:
        """Cancels the call, which then is to tell the client that it was."""
        if self._task is not None and not self.gone and not self._stopped:
            self._stopped = True
            self._task.cancel()

    def take_stop(self) -> bool:
        """Whether the cancellation that just came is that of `stop`; it is forgiven then, once."""
        if self.gone or not self._stopped or self._task is None:
            return False
        self._stopped = False
        self._task.uncancel()
        return True

    async def receive(self) -> Message:
        """The whole body, once; after that it waits until the client has gone."""
        body, self._body = self._body, None
        if body is not None:
            return {"type": "http.request", "body": body, "more_body": False}
        await self._departed.wait()
        return {"type": "http.disconnect"}

    async def run(self, call: Coroutine[Any, Any, None], is_answered: Callable[[], bool]) -> bool:
        """Awaits `call`; cancels it when the client leaves before `is_answered()`.

        True when the call came to its end, False when the client left. A cancellation from
        elsewhere (the server stops) is passed on.
        """
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        if task is None:
            raise RuntimeError("a request is answered in a task")
        self._task = task
        watcher: asyncio.Task[None] | None = None

        def watch() -> None:
            nonlocal watcher
            watcher = asyncio.create_task(self._watch(task, is_answered))

        waiting = loop.call_later(UNWATCHED, watch)
        try:
            await call
        except asyncio.CancelledError:
            if not self.gone or task.uncancel() > 0:
                raise
            return False
        finally:
            self._task = None
            waiting.cancel()
            if watcher is not None:
                watcher.cancel()
        if self.gone:
            # Whoever swallowed the cancellation has to be forgiven for it.
            task.uncancel()
        return not self.gone

    async def _watch(self, task: asyncio.Task[Any], is_answered: Callable[[], bool]) -> None:
        await wait_for_disconnect(self._receive)
        # Uvicorn says `http.disconnect` as well when the answer is complete: cleaning up goes on.
        if not is_answered():
            self.gone = True
            task.cancel()
        self._departed.set()


async def wait_for_disconnect(receive: Receive) -> None:
    """Returns when the client has gone or its request is over; throws away what it still sends."""
    while (await receive())["type"] != "http.disconnect":
        pass
