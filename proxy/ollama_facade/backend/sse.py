"""Server-sent events out of bytes, without I/O (faults.md rows 51-57).

Any split of the bytes gives the same events. Lines end with LF, CRLF or CR; comments, ids and
retries are skipped; data without a space after the colon, over several lines, or in events that
only single newlines separate is understood. A line or an event over the limit is an error.
"""

from __future__ import annotations

from dataclasses import dataclass

from ollama_facade.errors import BackendError

LINE_LIMIT = 8 * 1024 * 1024
"""Bytes of one line or event; Ollama's own Go client takes no longer line."""

_BLANK = [b""]

_BOM = b"\xef\xbb\xbf"


@dataclass(slots=True)
class Event:
    """One event: its `data` lines, and its name where it has one (``error``)."""

    data: tuple[bytes, ...]
    name: bytes = b""


class EventSplitter:
    """Feeds on bytes, gives the data of complete events."""

    def __init__(self, limit: int = LINE_LIMIT) -> None:
        self._limit = limit
        # Long lines come in many reads: only this can be added to without being copied.
        self._rest = bytearray()
        self._data: list[bytes] = []
        self._size = 0
        self._name = b""
        self._started = False
        self._after_cr = False

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that this chunk completes. Raises BackendError beyond the limit."""
        if not self._started:
            chunk = self._begin(chunk)
        if b"\r" in chunk or self._after_cr:
            chunk = self._unify(chunk)
        if b"\n" not in chunk:
            self._rest += chunk
            self._check(len(self._rest))
            return []
        lines = (bytes(self._rest) + chunk).split(b"\n")
        self._rest = bytearray(lines.pop())
        self._check(len(self._rest))
        events: list[Event] = []
        for at, line in enumerate(lines, 1):
            if not line:
                if self._data:
                    events.append(self._take())
            elif (
                line.startswith(b"data: ")
                and not self._data
                and not self._name
                and lines[at : at + 1] == _BLANK
            ):
                # One line of data and nothing else: nearly every event is of this kind.
                self._check(len(line) - 6)
                events.append(Event((line[6:],)))
            else:
                self._line(line)
        return events

    def whole(self, chunk: bytes) -> tuple[bytes, bytes]:
        """What this chunk completes, and what is left of it, for whoever reads events otherwise.

        What he does not understand is to be fed, and then what is left. Nothing is complete for him
        where more than blank lines and lines of one kind is under way.
        """
        if not self._started:
            chunk = self._begin(chunk)
        if self._data or self._name or self._after_cr or b"\r" in chunk:
            return b"", chunk
        end = chunk.rfind(b"\n\n") + 2
        if end < 2:
            return b"", chunk
        whole = chunk[:end]
        if self._rest:
            whole = bytes(self._rest) + whole
            self._rest = bytearray()
        return whole, chunk[end:]

    def finish(self) -> list[Event]:
        """What stands complete but unterminated when the connection ends."""
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

    def _unify(self, chunk: bytes) -> bytes:
        """CR and CRLF as LF; an LF after the CR that ended the chunk before belongs to it."""
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
