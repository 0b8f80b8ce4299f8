"""Reads the system's clocks: wall time for clients, monotonic time for durations."""

from __future__ import annotations

import time
from datetime import UTC, datetime

SECOND = 1_000_000_000
"""Nanoseconds in a second: every duration of Ollama's API is an integer of nanoseconds."""


class Clock:
    """Wall time and monotonic time in nanoseconds. Tests pass their own."""

    def wall(self) -> int:
        """Returns nanoseconds since 1970, UTC."""
        return time.time_ns()

    def monotonic(self) -> int:
        """Returns nanoseconds of a clock that never goes back; only differences have a meaning."""
        return time.monotonic_ns()

    def timestamp(self) -> str:
        """Returns the present time as `created_at` shows it."""
        return format_time(self.wall())


_cached_second = (-1, "")


def format_seconds(second: int) -> str:
    """Formats seconds since 1970 as ``2023-11-14T22:13:20``, UTC.

    The last text is cached, because frames are sent thousands of times a second.
    """
    global _cached_second
    cached, text = _cached_second
    if cached != second:
        text = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        _cached_second = (second, text)
    return text


def format_time(nanoseconds: int) -> str:
    """Formats a time as Go does: RFC 3339, UTC, no trailing zeros (inference.md §4.4).

    >>> format_time(1_700_000_000_120_000_000)
    '2023-11-14T22:13:20.12Z'
    """
    second, fraction = divmod(nanoseconds, SECOND)
    text = format_seconds(second)
    if not fraction:
        return text + "Z"
    return f"{text}.{fraction:09d}".rstrip("0") + "Z"
