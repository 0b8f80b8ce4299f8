"""Lines of the log without colours: what structlog's console writes, in a fifth of its time.

Every request writes one, and the console builds each from a column a field. Anything that is not a
plain line (a traceback, a line of a library) is left to it.
"""

from __future__ import annotations

import re
from typing import Any

from structlog.dev import ConsoleRenderer
from structlog.typing import EventDict, WrappedLogger

_OTHERS = frozenset(("exception", "exc_info", "stack", "logger", "logger_name"))
_QUOTED = frozenset(" \t=\r\n\"'")
_LEVEL, _EVENT = 9, 30
"""Columns that structlog gives to the level and to the name of the event."""

_as_it_is = re.compile(r"[!#-&(-<>-~]+").fullmatch
"""Whether a text needs neither quotes nor escapes."""


def printable(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Escapes what moves a cursor or hides text; the renderer quotes blanks, quotes and ``=``."""
    for name, value in event.items():
        if isinstance(value, str) and name != "exception":
            event[name] = _escaped(value)
    return event


class Plain:
    """A last processor in the place of `printable` and a `console` that has no colours."""

    def __init__(self, console: ConsoleRenderer) -> None:
        self._console = console

    def __call__(self, logger: WrappedLogger, name: str, event: EventDict) -> str:
        """The line."""
        if not _OTHERS.isdisjoint(event):
            return self._console(logger, name, printable(logger, name, event))
        line = f"{event.pop('timestamp')} [{event.pop('level'):<{_LEVEL}}] "
        line += f"{_escaped(event.pop('event')):<{_EVENT}}"
        for key in sorted(event):
            value = event[key]
            kind = type(value)
            if kind is str:
                if not (value.isalnum() or _as_it_is(value)):
                    value = _shown(value)
            elif kind is not int and kind is not float:
                value = _shown(value)
            line += f" {key}={value}"
        return line.rstrip(" ")


def _escaped(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def _shown(value: Any) -> str:
    if not isinstance(value, str):
        return repr(value)
    value = _escaped(value)
    return value if _QUOTED.isdisjoint(value) else repr(value)
