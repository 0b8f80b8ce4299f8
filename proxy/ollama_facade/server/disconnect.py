"""Cancels a call when its client leaves.

Uvicorn reports that a client has gone through `receive` only, so a task has to wait there while the
application works: before the first token, in mid-stream and in a call without stream alike
(faults.md rows 29 to 32). The application runs in the task of the request; the watcher is a second,
small task, and cancels the first one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ollama_facade.server.request_state import RequestState
from ollama_facade.server.response_writer import wait_for_disconnect
from ollama_facade.server.shutdown import Shutdown

WATCH_DELAY_SECONDS = 0.05
"""Delay before the watcher starts: most whole answers take less, and a task for each of them costs
more than it could save."""


class DisconnectMiddleware:
    """Lets the application answer for as long as the client is there.

    It stands behind BodyMiddleware: the application receives `RequestState.body`.
    """

    def __init__(self, app: ASGIApp, shutdown: Shutdown) -> None:
        self.app = app
        self._shutdown = shutdown

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        state = RequestState.of(scope)
        writer, send = state.writing(send)
        watcher = state.watcher = DisconnectWatcher(receive, state.body)
        call = self.app(scope, watcher.receive, send)
        if state.is_body_unread:
            # The watcher would ask for the body.
            await call
            return
        self._shutdown.add(watcher)
        try:
            completed = await watcher.run(call, writer.is_ended)
        finally:
            self._shutdown.discard(watcher)
        if not completed:
            state.record.outcome = state.record.outcome or "client_gone"


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
        """Cancels the call, which then reports to the client that the service stops."""
        if self._task is not None and not self.gone and not self._stopped:
            self._stopped = True
            self._task.cancel()

    def take_stop(self) -> bool:
        """Whether the cancellation that just came is that of `stop`; undoes it then, once."""
        if self.gone or not self._stopped or self._task is None:
            return False
        self._stopped = False
        self._task.uncancel()
        return True

    async def receive(self) -> Message:
        """Returns the whole body, once; after that waits until the client has gone."""
        body, self._body = self._body, None
        if body is not None:
            return {"type": "http.request", "body": body, "more_body": False}
        await self._departed.wait()
        return {"type": "http.disconnect"}

    async def run(self, call: Awaitable[None], is_answered: Callable[[], bool]) -> bool:
        """Awaits `call`; cancels it when the client leaves before `is_answered()`.

        Returns True when the call came to its end, False when the client left. A cancellation from
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

        waiting = loop.call_later(WATCH_DELAY_SECONDS, watch)
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
            # The application swallowed the cancellation.
            task.uncancel()
        return not self.gone

    async def _watch(self, task: asyncio.Task[Any], is_answered: Callable[[], bool]) -> None:
        await wait_for_disconnect(self._receive)
        # Uvicorn sends `http.disconnect` also when the response is complete: cleaning up goes on.
        if not is_answered():
            self.gone = True
            task.cancel()
        self._departed.set()
