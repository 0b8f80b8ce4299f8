"""``<think>`` text in the content of a model whose backend does not split it (inference.md §11.2).

The tags never show; whitespace after the opening tag and around the closing one goes; text that may
be the beginning of a tag is held back until it is decided. An answer that does not begin with the
opening tag has no thinking.
"""

from __future__ import annotations

OPENING = "<think>"
CLOSING = "</think>"

_START, _EATING, _THINKING, _AFTER, _CONTENT = range(5)


class ThinkingSplitter:
    """Feeds on content, gives (thinking, content); any split of the input adds up to the same."""

    def __init__(self) -> None:
        self._state = _START
        self._held = ""

    def feed(self, text: str) -> tuple[str, str]:
        """The text that is decided now, as (thinking, content)."""
        if self._state == _CONTENT:
            return "", text
        self._held += text
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
        """Whether the content has begun, in which no tag counts any more."""
        return self._state == _CONTENT

    def finish(self) -> tuple[str, str]:
        """What was held back when the answer ended: an unfinished tag is text."""
        held, self._held = self._held, ""
        if self._state == _THINKING:
            return held, ""
        return "", held if self._state == _START else ""

    def _step(self) -> tuple[str, str]:
        if self._state == _START:
            return self._start()
        if self._state == _EATING:
            self._held = self._held.lstrip()
            if self._held:
                self._state = _THINKING
            return "", ""
        if self._state == _THINKING:
            return self._think()
        if self._state == _AFTER:
            self._held = self._held.lstrip()
            if not self._held:
                return "", ""
            self._state = _CONTENT
        content, self._held = self._held, ""
        return "", content

    def _start(self) -> tuple[str, str]:
        stripped = self._held.lstrip()
        if stripped.startswith(OPENING):
            self._held = stripped[len(OPENING) :]
            self._state = _EATING
        elif not OPENING.startswith(stripped):
            self._state = _CONTENT
        return "", ""

    def _think(self) -> tuple[str, str]:
        thought, closing, rest = self._held.partition(CLOSING)
        if closing:
            self._held = rest
            self._state = _AFTER
            return thought.rstrip(), ""
        # Hold back what may be the closing tag, and the whitespace that would go with it.
        safe = len(self._held) - _overlap(self._held)
        safe = len(self._held[:safe].rstrip())
        thought, self._held = self._held[:safe], self._held[safe:]
        return thought, ""


def _overlap(text: str) -> int:
    """Length of the longest end of `text` that begins the closing tag."""
    for length in range(min(len(text), len(CLOSING) - 1), 0, -1):
        if CLOSING.startswith(text[-length:]):
            return length
    return 0
