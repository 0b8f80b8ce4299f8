"""Events that differ from the one before in their text only, read without a look at the rest.

Nearly every backend sends the tokens of an answer so: the same id, model and time around each text.
What stands around the text of one event is looked for in the bytes that follow, and the texts are
what is left. Only ASCII without quotes, escapes and what Go escapes counts; whatever else comes is
for the reader of whole events.
"""

from __future__ import annotations

import orjson

from ollama_facade.backend.sse import Event
from ollama_facade.errors import BackendError
from ollama_facade.translate.chunks import parse_chunk
from ollama_facade.translate.deltas import StreamDelta

_PLAIN = bytes(set(range(0x20, 0x7F)) - set(b'"\\<>&'))
"""Bytes that stand for themselves in JSON, as every backend and as Go writes it."""

_PROBE = b"text of a probe"

LESSONS = 4
"""How often what stands around a text is learnt in one stream: a backend that changes it with every
event is not followed."""


class EventTemplate:
    """The events of one stream."""

    def __init__(self) -> None:
        self._first = self._last = self._between = b""
        self._left = LESSONS

    def read(self, events: bytes) -> tuple[list[bytes], bytes]:
        """The texts of the whole events with which these bytes begin, and what follows them."""
        first, last = self._first, self._last
        if not first or not events.startswith(first):
            return [], events
        texts = events[len(first) :].split(self._between)
        text, found, rest = texts[-1].partition(last)
        if found:
            texts[-1] = text
        else:
            rest = first + texts.pop()
        if b"" not in texts and not b"".join(texts).translate(None, _PLAIN):
            return texts, rest
        alike = 0
        while texts[alike] and not texts[alike].translate(None, _PLAIN):
            alike += 1
        # What stands between is a part of the events on both sides of it.
        other = first + self._between.join(texts[alike:]) + (last if found else self._between)
        return texts[:alike], other + (rest if found else rest[len(first) :])

    def learn(self, event: Event, delta: StreamDelta) -> None:
        """Takes the event, which said `delta`, for an example of those that follow."""
        if not self._left or not delta.content or delta != StreamDelta(delta.content):
            return
        text = delta.content.encode("utf-8", "surrogatepass")
        quoted = b'"%b"' % text
        odd = event.name or len(event.data) != 1 or text.translate(None, _PLAIN)
        if odd or event.data[0].count(quoted) != 1:
            return
        before, _, after = event.data[0].partition(quoted)
        first, last = b'data: %b"' % before, b'"%b\n\n' % after
        if first == self._first and last == self._last:
            return
        self._left -= 1
        if _says(before + b'"%b"' % _PROBE + after) == StreamDelta(_PROBE.decode()):
            self._first, self._last, self._between = first, last, last + first


def _says(event: bytes) -> StreamDelta | None:
    """What an event says that nobody sent."""
    try:
        return parse_chunk(orjson.loads(event))
    except (orjson.JSONDecodeError, BackendError):
        return None
