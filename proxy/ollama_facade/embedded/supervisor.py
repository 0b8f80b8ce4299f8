"""Keeps a child process running: one that ends by itself is started again, ever more slowly."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from ollama_facade.clock import SECOND, Clock
from ollama_facade.errors import SettingsError

FIRST_WAIT = 0.5
LONGEST_WAIT = 30.0
STEADY = 60 * SECOND
"""A child that lived so long begins again with the first wait."""


class Child(Protocol):
    """A process that was started."""

    def address(self, timeout: float) -> str:
        """Where it is, once it answers. Raises SettingsError."""

    def stop(self) -> None:
        """Ends it, if it has not ended."""


ChildType = TypeVar("ChildType", bound=Child)


class Supervisor(Generic[ChildType]):
    """Children that `start` makes, one after the other; `say` gets a line for all that happens.

    `start` is given what it has to call, with a text, when its child ends by itself.
    """

    def __init__(
        self,
        start: Callable[[Callable[[str], None]], ChildType],
        say: Callable[[str], None],
        timeout: float,
    ) -> None:
        self._start = start
        self._say = say
        self._timeout = timeout
        self._clock = Clock()
        self._stopping = threading.Event()
        self._ended = threading.Event()
        # Linux ends a child with the thread that started it: this one stays until `stop`.
        self._thread = threading.Thread(target=self._keep, daemon=True)
        self.child = start(self._end)

    def address(self) -> str:
        """Where the first child is. Raises SettingsError; only after it anything is kept."""
        address = self.child.address(self._timeout)
        self._thread.start()
        return address

    def stop(self) -> None:
        """Ends the child; there is no other."""
        self._stopping.set()
        self._ended.set()
        self.child.stop()
        if self._thread.ident is not None:
            self._thread.join()
        self.child.stop()

    def _end(self, text: str) -> None:
        self._say(text)
        self._ended.set()

    def _keep(self) -> None:
        wait, began = FIRST_WAIT, self._clock.monotonic()
        while True:
            self._ended.wait()
            self._ended.clear()
            if self._stopping.is_set():
                return
            if self._clock.monotonic() - began > STEADY:
                wait = FIRST_WAIT
            self._say(f"it is started again in {wait:g} s")
            if self._stopping.wait(wait):
                return
            wait = min(wait * 2, LONGEST_WAIT)
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
            self._say("it serves again")
