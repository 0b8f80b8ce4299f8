"""Splits ``<think>`` text from content whose backend does not do so (inference.md §11.2).

The tags are removed, with white space after the opening tag and around the closing one. Text that
may begin a tag is held back until more text decides. An answer that does not begin with the opening
tag has no thinking. The states and what ends them:

    START        opening tag → SKIP_SPACE, other text → CONTENT
    SKIP_SPACE   text that is not white space → THINKING
    THINKING     closing tag → AFTER
    AFTER        text that is not white space → CONTENT
    CONTENT      the end of the answer
"""

from __future__ import annotations

OPENING = "<think>"
CLOSING = "</think>"

_START, _SKIP_SPACE, _THINKING, _AFTER, _CONTENT = range(5)


class ThinkingSplitter:
    """Splits pieces of content into (thinking, content), wherever the pieces are cut."""

    def __init__(self) -> None:
        self._state = _START
        self._buffer = ""

    def feed(self, text: str) -> tuple[str, str]:
        """Returns the text that is decided now, as (thinking, content)."""
        if self._state == _CONTENT:
            return "", text
        self._buffer += text
        thinking = content = ""
        while True:
            before = self._state
            more_thinking, more_content = self._step()
            thinking += more_thinking
            content += more_content
            if self._state == before:
                return thinking, content

    @property
    def is_over(self) -> bool:
        """Whether the content has begun, in which tags are text."""
        return self._state == _CONTENT

    def finish(self) -> tuple[str, str]:
        """Returns the text held back when the answer ended: an unfinished tag is text."""
        rest, self._buffer = self._buffer, ""
        if self._state == _THINKING:
            return rest, ""
        return "", rest if self._state == _START else ""

    def _step(self) -> tuple[str, str]:
        if self._state == _START:
            return self._start()
        if self._state == _SKIP_SPACE:
            self._buffer = self._buffer.lstrip()
            if self._buffer:
                self._state = _THINKING
            return "", ""
        if self._state == _THINKING:
            return self._think()
        if self._state == _AFTER:
            self._buffer = self._buffer.lstrip()
            if not self._buffer:
                return "", ""
            self._state = _CONTENT
        content, self._buffer = self._buffer, ""
        return "", content

    def _start(self) -> tuple[str, str]:
        stripped = self._buffer.lstrip()
        if stripped.startswith(OPENING):
            self._buffer = stripped[len(OPENING) :]
            self._state = _SKIP_SPACE
        elif not OPENING.startswith(stripped):
            self._state = _CONTENT
        return "", ""

    def _think(self) -> tuple[str, str]:
        thought, closing, rest = self._buffer.partition(CLOSING)
        if closing:
            self._buffer = rest
            self._state = _AFTER
            return thought.rstrip(), ""
        # Hold back what may be the closing tag and the white space before it.
        safe = len(self._buffer) - _overlap(self._buffer)
        safe = len(self._buffer[:safe].rstrip())
        thought, self._buffer = self._buffer[:safe], self._buffer[safe:]
        return thought, ""


def _overlap(text: str) -> int:
    """Returns the length of the longest end of `text` that begins the closing tag."""
    for length in range(min(len(text), len(CLOSING) - 1), 0, -1):
        if CLOSING.startswith(text[-length:]):
            return length
    return 0
