"""The nouns of an answer on its way from the backend to the client.

event ──read_delta──▶ Delta ──Generation.feed──▶ Piece ──chat_frame──▶ frame
events ───Repeats───▶ Texts ───where Generation passes them on────▶ frames
Generation.finish ─▶ Ending ──chat_final──▶ the frame with done:true
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts as the backend reported them; None where it did not."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Timings:
    """llama.cpp's own measurements: counts of tokens, durations in nanoseconds."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_duration: int | None = None
    completion_duration: int | None = None


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A part of a tool call as one event carries it; every field may be missing."""

    index: int | None = None
    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(slots=True)
class StreamDelta:
    """One thing read from the backend. A whole answer that was not streamed is one Delta, too."""

    content: str = ""
    thinking: str = ""
    calls: Sequence[ToolCallDelta] = ()
    logprobs: Sequence[Mapping[str, Any]] = ()
    finish: str = ""
    usage: Usage | None = None
    timings: Timings | None = None


@dataclass(slots=True)
class TextRun:
    """Deltas of an ASCII text each and nothing else, read together; none needs escapes in JSON.

    `finish` is that of every one of them: there is none.
    """

    texts: Sequence[bytes]
    finish: Literal[""] = ""

    def deltas(self) -> list[StreamDelta]:
        """The same one by one."""
        return [StreamDelta(text.decode("ascii")) for text in self.texts]


def each_delta(told: Sequence[StreamDelta | TextRun]) -> Iterator[StreamDelta]:
    """What was read together, Delta by Delta."""
    for one in told:
        if isinstance(one, TextRun):
            yield from one.deltas()
        else:
            yield one


@dataclass(slots=True)
class OutputDelta:
    """What a Delta became for the client: never empty in all its fields."""

    content: str = ""
    thinking: str = ""
    logprobs: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A complete call: `arguments` is an object in the model's key order."""

    index: int
    id: str
    name: str
    arguments: Mapping[str, Any]


@dataclass(slots=True)
class Completion:
    """How an answer ended, once: the last text, the tool calls, the reason and the counts."""

    done_reason: str
    piece: OutputDelta
    calls: Sequence[ToolCall] = ()
    usage: Usage | None = None
    timings: Timings | None = None
