"""Reads events that differ from the one before in their text only, without parsing them.

Nearly every backend sends the tokens of a response so: the same id, model and time around each
text. `learn` takes from one event the bytes before and after its text; `read` finds these bytes in
what follows and returns what is between them. Only ASCII without quotes, escapes and what Go
escapes counts; anything else is left to the parser of events.
"""

from __future__ import annotations

import orjson

from ollama_facade.backend.sse import Event
from ollama_facade.errors import BackendError
from ollama_facade.translate.chunks import parse_chunk
from ollama_facade.translate.deltas import StreamDelta

_UNESCAPED = bytes(set(range(0x20, 0x7F)) - set(b'"\\<>&'))
"""Bytes that stand for themselves in JSON, as every backend and as Go writes it."""

_PROBE = b"text of a probe"

MAX_TEMPLATES = 4
"""Templates that are learned in one stream: a backend may change them with every event."""


class EventTemplate:
    """The bytes around the texts of one stream."""

    def __init__(self) -> None:
        self._prefix = self._suffix = self._separator = b""
        self._left = MAX_TEMPLATES

    def read(self, events: bytes) -> tuple[list[bytes], bytes]:
        """Returns the texts of the complete events at the beginning, and the bytes after them."""
        prefix, suffix = self._prefix, self._suffix
        if not prefix or not events.startswith(prefix):
            return [], events
        texts = events[len(prefix) :].split(self._separator)
        text, end, rest = texts[-1].partition(suffix)
        if end:
            texts[-1] = text
        else:
            rest = prefix + texts.pop()
        if b"" not in texts and not b"".join(texts).translate(None, _UNESCAPED):
            return texts, rest
        count = 0
        while texts[count] and not texts[count].translate(None, _UNESCAPED):
            count += 1
        # A separator is a part of the events on both sides of it.
        other = prefix + self._separator.join(texts[count:]) + (suffix if end else self._separator)
        return texts[:count], other + (rest if end else rest[len(prefix) :])

    def learn(self, event: Event, delta: StreamDelta) -> None:
        """Takes an event that said `delta` as the template of those that follow."""
        if not self._left or not delta.content or delta != StreamDelta(delta.content):
            return
        text = delta.content.encode("utf-8", "surrogatepass")
        quoted = b'"%b"' % text
        odd = event.name or len(event.data) != 1 or text.translate(None, _UNESCAPED)
        if odd or event.data[0].count(quoted) != 1:
            return
        before, _, after = event.data[0].partition(quoted)
        prefix, suffix = b'data: %b"' % before, b'"%b\n\n' % after
        if prefix == self._prefix and suffix == self._suffix:
            return
        self._left -= 1
        if _parse(before + b'"%b"' % _PROBE + after) == StreamDelta(_PROBE.decode()):
            self._prefix, self._suffix, self._separator = prefix, suffix, suffix + prefix


def _parse(event: bytes) -> StreamDelta | None:
    """Returns the delta of an event that nobody sent."""
    try:
        return parse_chunk(orjson.loads(event))
    except (orjson.JSONDecodeError, BackendError):
        return None
