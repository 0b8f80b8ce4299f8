"""How the service stops: nothing new is begun, what runs gets its time, then an honest end.

After `begin` the door refuses requests. After `expire` every call that still runs is cancelled, and
whoever writes its answer makes an error of the cancellation (`Ending`), so that a stream has its
last line and its proper end (faults.md row 86).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any

from starlette.types import Scope

from ollama_facade.errors import OllamaError
from ollama_facade.server.disconnect import DisconnectWatcher

TEXT = "server is shutting down"


class Shutdown:
    """Whether the service is about to stop, and what is still under way."""

    def __init__(self) -> None:
        self.begun = False
        self.under_way = 0
        self._running: set[DisconnectWatcher] = set()

    def begin(self) -> None:
        """Nothing new from now on."""
        self.begun = True

    def expire(self) -> None:
        """Ends every call that runs."""
        for presence in tuple(self._running):
            presence.stop()

    async def run(
        self,
        presence: DisconnectWatcher,
        call: Coroutine[Any, Any, None],
        is_answered: Callable[[], bool],
    ) -> bool:
        """Awaits `presence.run`, which `expire` can end."""
        self._running.add(presence)
        try:
            return await presence.run(call, is_answered)
        finally:
            self._running.discard(presence)

    @property
    def refusal(self) -> OllamaError | None:
        """The error for a request that comes too late."""
        return OllamaError(503, TEXT) if self.begun else None


class ShutdownGuard:
    """Within the block a cancellation by `expire` is an OllamaError; any other stays what it is."""

    __slots__ = ("_scope",)

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __enter__(self) -> None:
        """Nothing to be done."""

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Raises OllamaError in the place of a cancellation by `expire`."""
        if isinstance(error, asyncio.CancelledError):
            presence: DisconnectWatcher | None = self._scope.get("facade.presence")
            if presence is not None and presence.take_stop():
                raise OllamaError(503, TEXT) from None
