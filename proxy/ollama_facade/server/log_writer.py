"""Writes the lines of the log without ever waiting for who reads them.

What a full pipe or a closed stream does not take is left out (faults.md rows 96 and 97).
"""

from __future__ import annotations

import logging
import os
import select
from typing import TextIO

ATOMIC_BYTES = 4096
"""Bytes that a pipe takes at once whenever it says that it is writable (PIPE_BUF)."""


class LogWriter:
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

    def __call__(self, *_: object) -> LogWriter:
        """Returns itself, for every logger."""
        return self

    def msg(self, message: str) -> None:
        """Writes the line, or what the stream takes of it without waiting."""
        try:
            if self._descriptor is None:
                self._stream.write(message + "\n")
                return
            rest = message.encode("utf-8", "replace") + b"\n"
            while rest and self._is_writable():
                rest = rest[os.write(self._descriptor, rest[:ATOMIC_BYTES]) :]
        except (OSError, ValueError):
            return

    def _is_writable(self) -> bool:
        return any(event & select.POLLOUT for _, event in self._poll.poll(0))

    debug = info = warning = error = critical = exception = fatal = log = msg


class LineHandler(logging.Handler):
    """Writes the records of the standard library's loggers in the same way."""

    def __init__(self, writer: LogWriter) -> None:
        super().__init__()
        self._writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        """Writes one record."""
        self._writer.msg(self.format(record))
