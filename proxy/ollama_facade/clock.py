"""The only place that reads a clock: wall time for clients to see, monotonic for durations."""

from __future__ import annotations

import time
from datetime import UTC, datetime

SECOND = 1_000_000_000
"""Nanoseconds in a second: every duration of Ollama's API is an integer of nanoseconds."""


class Clock:
    """Wall time and monotonic time in nanoseconds. Tests hand in their own."""

    def wall(self) -> int:
        """Nanoseconds since 1970, UTC."""
        return time.time_ns()

    def monotonic(self) -> int:
        """Nanoseconds on a clock that never goes back; only differences mean anything."""
        return time.monotonic_ns()

    def timestamp(self) -> str:
        """Now, as `created_at` shows it."""
        return format_time(self.wall())


_second_cached = (-1, "")


def format_seconds(second: int) -> str:
    """Seconds since 1970 as ``2023-11-14T22:13:20``, UTC.

    The text changes once a second; frames and lines come thousands of times a second.
    """
    global _second_cached
    cached, text = _second_cached
    if cached != second:
        text = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        _second_cached = (second, text)
    return text


def format_time(nanoseconds: int) -> str:
    """RFC 3339 in UTC as Go prints it: up to nine digits, trailing zeros gone (inference.md §4.4).

    >>> format_time(1_700_000_000_120_000_000)
    '2023-11-14T22:13:20.12Z'
    """
    second, fraction = divmod(nanoseconds, SECOND)
    text = format_seconds(second)
    if not fraction:
        return text + "Z"
    return f"{text}.{fraction:09d}".rstrip("0") + "Z"
