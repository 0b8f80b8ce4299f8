"""Supervises a child process: restarts one that ends by itself, after a growing delay."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from ollama_facade.clock import SECOND, Clock
from ollama_facade.errors import SettingsError

MIN_DELAY_SECONDS = 0.5
MAX_DELAY_SECONDS = 30.0
STEADY = 60 * SECOND
"""Nanoseconds after which the delay of a child is reset to the minimum."""


class Child(Protocol):
    """A started process."""

    def address(self, timeout: float) -> str:
        """Waits until it answers and returns its address. Raises SettingsError."""

    def stop(self) -> None:
        """Ends it if it is running."""


ChildType = TypeVar("ChildType", bound=Child)


class Supervisor(Generic[ChildType]):
    """Runs the children of `start`, one after another; `notify` receives a line for each event.

    `start` gets a callback, which it calls with a text when its child ends by itself.
    """

    def __init__(
        self,
        start: Callable[[Callable[[str], None]], ChildType],
        notify: Callable[[str], None],
        timeout: float,
    ) -> None:
        self._start = start
        self._notify = notify
        self._timeout = timeout
        self._clock = Clock()
        self._stopping = threading.Event()
        self._ended = threading.Event()
        # Linux ends a child with the thread that started it: this one runs until `stop`.
        self._thread = threading.Thread(target=self._supervise, daemon=True)
        self.child = start(self._end)

    def address(self) -> str:
        """Returns the address of the first child and begins to supervise. Raises SettingsError."""
        address = self.child.address(self._timeout)
        self._thread.start()
        return address

    def stop(self) -> None:
        """Ends the child and starts no other."""
        self._stopping.set()
        self._ended.set()
        self.child.stop()
        if self._thread.ident is not None:
            self._thread.join()
        self.child.stop()

    def _end(self, text: str) -> None:
        self._notify(text)
        self._ended.set()

    def _supervise(self) -> None:
        wait, began = MIN_DELAY_SECONDS, self._clock.monotonic()
        while True:
            self._ended.wait()
            self._ended.clear()
            if self._stopping.is_set():
                return
            if self._clock.monotonic() - began > STEADY:
                wait = MIN_DELAY_SECONDS
            self._notify(f"it is started again in {wait:g} s")
            if self._stopping.wait(wait):
                return
            wait = min(wait * 2, MAX_DELAY_SECONDS)
            began = self._clock.monotonic()
            self._restart()

    def _restart(self) -> None:
        self.child.stop()
        self.child = self._start(self._end)
        if self._stopping.is_set():
            return
        try:
            self.child.address(self._timeout)
        except SettingsError as error:
            self._end(str(error))
        else:
            self._notify("it serves again")
