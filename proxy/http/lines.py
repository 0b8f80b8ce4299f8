"""Where the lines of the log go, and how those of requests get there.

Lines never hold up a request: what a full pipe or a closed stream does not take is left out
(faults.md rows 96, 97).
"""

from __future__ import annotations

import logging
import os
import select
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from proxy.clock import SECOND, Clock, format_seconds

_ATOMIC = 4096
"""Bytes that a pipe takes at once whenever it says that it is writable (PIPE_BUF)."""

_NAMES: Mapping[int, str] = {
    logging.DEBUG: "debug",
    logging.INFO: "info",
    logging.WARNING: "warning",
}

_clock = Clock()


class Lines:
    """A logger of structlog that writes lines to a stream, and its own factory."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._poll = select.poll()
        try:
            self._descriptor: int | None = stream.fileno()
        except (OSError, ValueError):
            self._descriptor = None
        else:
            self._poll.register(self._descriptor, select.POLLOUT)

    def __call__(self, *_: object) -> Lines:
        """Itself, for whatever logger."""
        return self

    def msg(self, message: str) -> None:
        """Writes the line, or what the stream takes of it without waiting."""
        line = message + "\n"
        try:
            if self._descriptor is None:
                self._stream.write(line)
                return
            rest = line.encode("utf-8", "replace")
            while rest and self._is_writable():
                rest = rest[os.write(self._descriptor, rest[:_ATOMIC]) :]
        except (OSError, ValueError):
            return

    def _is_writable(self) -> bool:
        return any(event & select.POLLOUT for _, event in self._poll.poll(0))

    debug = info = warning = error = critical = exception = fatal = log = msg


class RequestLog:
    """The logger of requests: structlog's processors, without its way from any logger to them."""

    def __init__(self, level: int, lines: Lines, processors: Sequence[Processor]) -> None:
        self._level = level
        self._lines = lines
        self._processors = processors

    def write(self, level: int, line: Any) -> None:
        """Writes the line of these fields, `event` among them. It may take them apart."""
        if level < self._level:
            return
        name = _NAMES[level]
        try:
            for processor in self._processors:
                line = processor(None, name, line)
        except structlog.DropEvent:
            return
        self._lines.msg(line)


class LineHandler(logging.Handler):
    """The same lines for the standard library's loggers."""

    def __init__(self, lines: Lines) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        """Writes one record."""
        self._lines.msg(self.format(record))


def stamped(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Adds the time, in microseconds."""
    second, rest = divmod(_clock.wall(), SECOND)
    event["timestamp"] = f"{format_seconds(second)}.{rest // 1000:06d}Z"
    return event
