"""Splits bytes into server-sent events, without I/O (faults.md rows 51-57).

Any split of the bytes gives the same events. Lines end with LF, CRLF or CR; comments, ids and
retries are skipped; data without a space after the colon, over several lines, or in events that
only single newlines separate is understood. A line or an event over the limit is an error.
"""

from __future__ import annotations

from dataclasses import dataclass

from ollama_facade.errors import BackendError

MAX_LINE_BYTES = 8 * 1024 * 1024
"""Length of one line or event; Ollama's own Go client takes no longer line."""

_BLANK_LINE = [b""]

_BOM = b"\xef\xbb\xbf"


@dataclass(slots=True)
class Event:
    """One event: its `data` lines, and its name where it has one (``error``)."""

    data: tuple[bytes, ...]
    name: bytes = b""


class EventSplitter:
    """Collects bytes until they make events."""

    def __init__(self, limit: int = MAX_LINE_BYTES) -> None:
        self._limit = limit
        # Long lines come in many reads: only this can be added to without being copied.
        self._rest = bytearray()
        self._data: list[bytes] = []
        self._size = 0
        self._name = b""
        self._started = False
        self._after_cr = False

    def feed(self, chunk: bytes) -> list[Event]:
        """Returns the events that a chunk completes. Raises BackendError beyond the limit."""
        if not self._started:
            chunk = self._begin(chunk)
        if b"\r" in chunk or self._after_cr:
            chunk = self._normalize_newlines(chunk)
        if b"\n" not in chunk:
            self._rest += chunk
            self._check(len(self._rest))
            return []
        lines = (bytes(self._rest) + chunk).split(b"\n")
        self._rest = bytearray(lines.pop())
        self._check(len(self._rest))
        events: list[Event] = []
        for next_line, line in enumerate(lines, 1):
            if not line:
                if self._data:
                    events.append(self._take())
            elif (
                line.startswith(b"data: ")
                and not self._data
                and not self._name
                and lines[next_line : next_line + 1] == _BLANK_LINE
            ):
                # One line of data and nothing else: nearly every event is of this kind.
                self._check(len(line) - 6)
                events.append(Event((line[6:],)))
            else:
                self._line(line)
        return events

    def take_complete(self, chunk: bytes) -> tuple[bytes, bytes]:
        """Returns the bytes of the events that a chunk completes, unsplit, and the rest of it.

        For a caller that reads events in another way: it feeds what it cannot read, then the rest.
        Nothing is complete while more than blank lines and lines of one kind is under way.
        """
        if not self._started:
            chunk = self._begin(chunk)
        if self._data or self._name or self._after_cr or b"\r" in chunk:
            return b"", chunk
        end = chunk.rfind(b"\n\n") + 2
        if end < 2:
            return b"", chunk
        complete = chunk[:end]
        if self._rest:
            complete = bytes(self._rest) + complete
            self._rest = bytearray()
        return complete, chunk[end:]

    def finish(self) -> list[Event]:
        """Returns the event that the end of the connection completes."""
        rest, self._rest = bytes(self._rest), bytearray()
        if rest:
            self._line(rest)
        return [self._take()] if self._data else []

    def _begin(self, chunk: bytes) -> bytes:
        self._rest += chunk
        if len(self._rest) < len(_BOM) and _BOM.startswith(self._rest):
            return b""
        self._started = True
        chunk, self._rest = bytes(self._rest), bytearray()
        return chunk.removeprefix(_BOM)

    def _normalize_newlines(self, chunk: bytes) -> bytes:
        """Makes CR and CRLF LF; an LF after a CR that ended the chunk before belongs to that CR."""
        if self._after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
            self._after_cr = False
            if not chunk:
                return chunk
        self._after_cr = chunk.endswith(b"\r")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _line(self, line: bytes) -> None:
        if line.startswith(b"data:"):
            data = line[6:] if line.startswith(b"data: ") else line[5:]
            self._size += len(data)
            self._check(self._size)
            self._data.append(data)
        elif line.startswith(b"event:"):
            self._name = line[6:].strip()

    def _take(self) -> Event:
        event = Event(tuple(self._data), self._name)
        self._data, self._size, self._name = [], 0, b""
        return event

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise BackendError(
                502, f"backend sent a line over {self._limit // 1024 // 1024} MB", kind="oversize"
            )
