"""Where the lines of the log go, and how those of requests get there.

Lines never hold up a request: what a full pipe or a closed stream does not take is left out
(faults.md rows 96, 97).
"""

from __future__ import annotations

import asyncio
import logging
import os
import select
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, TextIO, cast

import structlog
from structlog.typing import EventDict, WrappedLogger

from ollama_facade.clock import SECOND, Clock, format_seconds

_ATOMIC = 4096
"""Bytes that a pipe takes at once whenever it says that it is writable (PIPE_BUF)."""

_NAMES: Mapping[int, str] = {
    logging.DEBUG: "debug",
    logging.INFO: "info",
    logging.WARNING: "warning",
}

_clock = Clock()


class LogWriter:
    """A logger of structlog that writes lines to a stream, and its own factory."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._waiting: deque[str] = deque()
        self._is_coming = False
        self._poll = select.poll()
        try:
            self._descriptor: int | None = stream.fileno()
        except (OSError, ValueError):
            self._descriptor = None
        else:
            self._poll.register(self._descriptor, select.POLLOUT)

    def __call__(self, *_: object) -> LogWriter:
        """Itself, for whatever logger."""
        return self

    def msg(self, message: str) -> None:
        """Writes the line, or what the stream takes of it without waiting."""
        self._waiting.append(message)
        self._write_waiting()

    def soon(self, message: str) -> None:
        """The same when the event loop comes round, in one write with what else is said until then.

        Without a loop that is now.
        """
        self._waiting.append(message)
        if self._is_coming:
            return
        try:
            asyncio.get_running_loop().call_soon(self._come_round)
        except RuntimeError:
            self._write_waiting()
        else:
            self._is_coming = True

    def _come_round(self) -> None:
        self._is_coming = False
        self._write_waiting()

    def _write_waiting(self) -> None:
        lines: list[str] = []
        with suppress(IndexError):  # other threads take lines out, too
            while self._waiting:
                lines.append(self._waiting.popleft())
        try:
            if self._descriptor is None:
                self._stream.write("".join(line + "\n" for line in lines))
                return
            written = b""
            for line in lines:
                encoded = line.encode("utf-8", "replace") + b"\n"
                if len(written) + len(encoded) > _ATOMIC:
                    self._write(written)
                    written = b""
                written += encoded
            self._write(written)
        except (OSError, ValueError):
            return

    def _write(self, rest: bytes) -> None:
        while rest and self._is_writable():
            rest = rest[os.write(cast("int", self._descriptor), rest[:_ATOMIC]) :]

    def _is_writable(self) -> bool:
        return any(event & select.POLLOUT for _, event in self._poll.poll(0))

    debug = info = warning = error = critical = exception = fatal = log = msg


class RequestLog:
    """The logger of requests: structlog's processors, without its way from any logger to them."""

    def __init__(self, level: int, lines: LogWriter) -> None:
        self._level = level
        self._lines = lines

    def write(self, level: int, line: Any) -> None:
        """Writes the line of these fields, `event` among them. It may take them apart."""
        if level < self._level:
            return
        name = _NAMES[level]
        try:
            for processor in structlog.get_config()["processors"]:
                line = processor(None, name, line)
        except structlog.DropEvent:
            return
        self._lines.soon(line)


class LineHandler(logging.Handler):
    """The same lines for the standard library's loggers."""

    def __init__(self, lines: LogWriter) -> None:
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
