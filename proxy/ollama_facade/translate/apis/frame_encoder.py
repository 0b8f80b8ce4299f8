"""Frames that differ in their time and text only: the rest of them is encoded once.

This is what makes a streamed token cheap. Only renderers of Ollama's own API use it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ollama_facade.golang.encode import dumps
from ollama_facade.translate.deltas import Output, OutputDelta, TextRun

_TIME, _TEXT = "\0time", "\0text"
"""Stand where a frame has its time and its text; the last such texts in it are these."""


class FrameEncoder:
    """Encodes the frames of one answer as JSON, a frame a line.

    `frame` makes any frame of the kind; a line is what `dumps` gives of it.
    """

    def __init__(self, frame: Callable[[str, OutputDelta], dict[str, Any]]) -> None:
        self._frame = frame
        rest, _, self._after = dumps(frame(_TIME, OutputDelta(_TEXT))).rpartition(dumps(_TEXT))
        self._before, _, self._between = rest.rpartition(dumps(_TIME))

    def encode(self, output: Output, created_at: str) -> list[bytes]:
        """The frames of deltas that were read together."""
        before = b'%b"%b"%b' % (self._before, created_at.encode(), self._between)
        return list(self._lines(output, created_at, before))

    def _lines(self, output: Output, created_at: str, before: bytes) -> Iterator[bytes]:
        after = self._after
        for item in output:
            if isinstance(item, TextRun):
                yield self._run(item.texts, before)
            elif item.thinking or item.logprobs:
                yield dumps(self._frame(created_at, item))
            else:
                yield before + dumps(item.content) + after

    def _run(self, texts: Sequence[bytes], before: bytes) -> bytes:
        """The frames of texts that need no escapes, a line each."""
        after = self._after
        return b'%b"%b"%b' % (before, (b'"%b\n%b"' % (after, before)).join(texts), after)
