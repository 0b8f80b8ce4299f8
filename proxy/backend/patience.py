"""A limit for each wait of a stream, at the price of one timer for all of them."""

from __future__ import annotations

import asyncio
from types import TracebackType


class Patience:
    """A block that ends in TimeoutError when a wait within it takes too long.

    It begins with a wait of at most `seconds`. A timer for each wait would cost more than reading
    what came; so the one there is looks, when it goes off, what is waited for by then.
    """

    def __init__(self, seconds: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._timeout = asyncio.timeout(None)
        self._limit = seconds
        self._since: float | None = None
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def wait(self, seconds: float) -> None:
        """From now on something is waited for, at most so long."""
        self._since = since = self._loop.time()
        self._limit = seconds
        if self._timer is None or self._due > since + seconds:
            self._arm(since + seconds)

    def pause(self) -> None:
        """Nothing is waited for until `wait`."""
        self._since = None

    async def __aenter__(self) -> Patience:
        """Begins the first wait."""
        await self._timeout.__aenter__()
        self.wait(self._limit)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Raises TimeoutError in the place of the cancellation with which a wait ended."""
        if self._timer is not None:
            self._timer.cancel()
        await self._timeout.__aexit__(kind, error, trace)

    def _arm(self, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._due = due
        self._timer = self._loop.call_at(due, self._look)

    def _look(self) -> None:
        self._timer = None
        now = self._loop.time()
        if self._since is None:
            return  # the next wait sets the timer
        if self._since + self._limit > now:
            self._arm(self._since + self._limit)
        else:
            self._timeout.reschedule(now)
