"""How the service stops: nothing new is begun, what runs gets its time, then an honest end.

After `begin` the door refuses requests. After `expire` every call that still runs is cancelled, and
whoever writes its answer makes an error of the cancellation (`ending`), so that a stream has its
last line and its proper end (faults.md row 86).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.types import Scope

from proxy.errors import OllamaError
from proxy.http.cancel import Presence

TEXT = "server is shutting down"


class Stopping:
    """Whether the service is about to stop, and what is still under way."""

    def __init__(self) -> None:
        self.begun = False
        self.under_way = 0
        self._running: set[Presence] = set()

    def begin(self) -> None:
        """Nothing new from now on."""
        self.begun = True

    def expire(self) -> None:
        """Ends every call that runs."""
        for presence in tuple(self._running):
            presence.stop()

    @contextmanager
    def running(self, presence: Presence) -> Iterator[None]:
        """The call behind `presence` runs within the block."""
        self._running.add(presence)
        try:
            yield
        finally:
            self._running.discard(presence)

    @property
    def refusal(self) -> OllamaError | None:
        """The error for a request that comes too late."""
        return OllamaError(503, TEXT) if self.begun else None


@contextmanager
def ending(scope: Scope) -> Iterator[None]:
    """Within the block a cancellation by `expire` is an OllamaError; any other stays what it is."""
    try:
        yield
    except asyncio.CancelledError:
        presence: Presence | None = scope.get("facade.presence")
        if presence is None or not presence.take_stop():
            raise
        raise OllamaError(503, TEXT) from None
