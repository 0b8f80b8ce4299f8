"""The nouns of an answer on its way from the backend to the client.

event ──parse_chunk──▶ StreamDelta ──Accumulator.feed──▶ OutputDelta ──render_deltas──▶ frame
events ─EventTemplate─▶ TextRun ──where the accumulator accepts raw text──────────────▶ frames
Accumulator.finish ──▶ Completion ──render_end──▶ the frames that end the answer
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias


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
    """Deltas that hold an ASCII text each and nothing else, read together."""

    texts: Sequence[bytes]
    """The texts; none needs an escape in JSON."""

    finish: Literal[""] = ""
    """The finish reason of each of them: there is none."""

    def deltas(self) -> list[StreamDelta]:
        """The same one by one, as they came from the backend."""
        return [StreamDelta(text.decode("ascii")) for text in self.texts]

    def outputs(self) -> list[OutputDelta]:
        """The same one by one, as they go to the client."""
        return [OutputDelta(text.decode("ascii")) for text in self.texts]


def each_delta(batch: Sequence[StreamDelta | TextRun]) -> Iterator[StreamDelta]:
    """One delta after another of those that were read together."""
    for item in batch:
        if isinstance(item, TextRun):
            yield from item.deltas()
        else:
            yield item


@dataclass(slots=True)
class OutputDelta:
    """What a StreamDelta became for the client: never empty in all its fields."""

    content: str = ""
    thinking: str = ""
    logprobs: Sequence[Mapping[str, Any]] = ()


Output: TypeAlias = "Sequence[OutputDelta | TextRun]"
"""What became of the deltas that were read together."""


def each_output(output: Output) -> Iterator[OutputDelta]:
    """One OutputDelta after another."""
    for item in output:
        if isinstance(item, TextRun):
            yield from item.outputs()
        else:
            yield item


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
    """``stop``, ``length``, and ``load`` or ``unload`` where nothing was generated."""

    output: OutputDelta
    """The last text of a stream, the whole text of an answer that was not streamed."""

    calls: Sequence[ToolCall] = ()
    usage: Usage | None = None
    timings: Timings | None = None
