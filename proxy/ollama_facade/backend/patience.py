"""A limit for a wait, or for each wait of a stream, at the price of one timer for all of them."""

from __future__ import annotations

import asyncio
from types import TracebackType


class Patience:
    """A block that ends in TimeoutError when a wait within it takes too long.

    It begins with a wait of at most `seconds`. A timer for each wait would cost more than reading
    what came; so the one there is looks, when it goes off, what is waited for by then. It ends the
    block as `asyncio.timeout` does, which costs every answer three times as much.
    """

    __slots__ = ("_cancelling", "_due", "_expired", "_limit", "_loop", "_since", "_task", "_timer")

    def __init__(self, seconds: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._limit = seconds
        self._since: float | None = None
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._expired = False

    def wait(self, seconds: float) -> None:
        """From now on something is waited for, at most so long."""
        self._limit = seconds
        self._since = since = self._loop.time()
        if self._timer is None or self._due > since + seconds:
            self._arm(since + seconds)

    def pause(self) -> None:
        """Nothing is waited for until `wait`."""
        self._since = None

    def __enter__(self) -> Patience:
        """Begins the first wait. Raises RuntimeError outside a task."""
        # With the loop named, Python 3.11 need not ask the kernel whether it is still the same.
        task = asyncio.current_task(self._loop)
        if task is None:
            raise RuntimeError("only a task can be told that a wait took too long")
        self._task = task
        self._cancelling = task.cancelling()
        self.wait(self._limit)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Raises TimeoutError in the place of the cancellation with which a wait ended."""
        if self._timer is not None:
            self._timer.cancel()
        if not self._expired:
            return
        forgiven = self._task.uncancel() <= self._cancelling
        if forgiven and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def _arm(self, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._due = due
        self._timer = self._loop.call_at(due, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._since is None:
            return  # the next wait sets the timer
        due = self._since + self._limit
        if due > self._loop.time():
            self._arm(due)
        else:
            self._expired = True
            self._task.cancel()
