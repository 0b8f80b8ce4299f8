"""How the service stops: it refuses new requests, lets running ones end, then ends them properly.

After `begin` ShutdownMiddleware refuses requests. After `expire` every call that still runs is
cancelled, and whoever writes its response makes an error of the cancellation (ShutdownGuard), so
that a stream has its last line and its proper end (faults.md row 86).
"""

from __future__ import annotations

import asyncio
from types import TracebackType

from starlette.types import ASGIApp, Receive, Scope, Send

from ollama_facade.errors import OllamaError
from ollama_facade.server.request_state import RequestState, Watcher

SHUTTING_DOWN = "server is shutting down"


class Shutdown:
    """Whether the service is about to stop, and what is still under way."""

    def __init__(self) -> None:
        self.begun = False
        self.under_way = 0
        self._running: set[Watcher] = set()

    def begin(self) -> None:
        """Refuses new requests from now on."""
        self.begun = True

    def expire(self) -> None:
        """Ends every call that runs."""
        for watcher in tuple(self._running):
            watcher.stop()

    def add(self, watcher: Watcher) -> None:
        """Adds a call that `expire` is to end."""
        self._running.add(watcher)

    def discard(self, watcher: Watcher) -> None:
        """Takes out a call that has ended."""
        self._running.discard(watcher)

    @property
    def refusal(self) -> OllamaError | None:
        """The error for a request that comes too late."""
        return OllamaError(503, SHUTTING_DOWN) if self.begun else None


class ShutdownMiddleware:
    """Counts the requests under way, and refuses new ones when the service is about to stop.

    What asks after the service itself is still answered.
    """

    def __init__(self, app: ASGIApp, shutdown: Shutdown) -> None:
        self.app = app
        self._shutdown = shutdown

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers or passes on one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        shutdown = self._shutdown
        shutdown.under_way += 1
        try:
            refusal = shutdown.refusal
            if refusal is not None:
                state = RequestState.of(scope)
                operation = state.operation
                if operation is None or not (operation.public or operation.unlogged):
                    await state.refuse_early(send, refusal)
                    return
            await self.app(scope, receive, send)
        finally:
            shutdown.under_way -= 1


class ShutdownGuard:
    """Within the block a cancellation by `expire` is an OllamaError; any other stays what it is."""

    __slots__ = ("_state",)

    def __init__(self, state: RequestState) -> None:
        self._state = state

    def __enter__(self) -> None:
        """Does nothing."""

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Raises OllamaError in the place of a cancellation by `expire`."""
        if isinstance(error, asyncio.CancelledError):
            watcher = self._state.watcher
            if watcher is not None and watcher.take_stop():
                raise OllamaError(503, SHUTTING_DOWN) from None
