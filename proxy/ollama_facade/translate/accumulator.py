"""The one machine for every answer: Deltas in, Pieces and exactly one Ending out.

Laws (tests/translate/test_accumulator_laws.py): any split of the content folds to the same answer;
`feed` raises nothing but OllamaError; there is one Ending; a stream folded equals the answer that
was not streamed; no Piece is empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ollama_facade.errors import BackendError
from ollama_facade.translate.deltas import Completion, OutputDelta, StreamDelta, Timings, Usage
from ollama_facade.translate.logprobs import with_alternatives
from ollama_facade.translate.thinking import ThinkingSplitter
from ollama_facade.translate.tool_calls import ToolCalls


class Accumulator:
    """One answer of the backend.

    `split_thinking`: look for ``<think>`` tags in the content. `drop_thinking`: the client said
    ``think: false``, so thoughts that come all the same are left out. `alternatives`: of each
    token at most so many; None: no log probabilities, whatever the backend sends.
    """

    def __init__(
        self,
        *,
        split_thinking: bool = False,
        drop_thinking: bool = False,
        alternatives: int | None = None,
    ) -> None:
        self._alternatives = alternatives
        self._splitter = ThinkingSplitter() if split_thinking else None
        self._drop_thinking = drop_thinking
        self._calls = ToolCalls()
        self._finish = ""
        self._last = OutputDelta()
        self._usage: Usage | None = None
        self._timings: Timings | None = None
        self._surrogate = ""

    @property
    def finished(self) -> bool:
        """True once the backend gave its finish reason; only counts can follow."""
        return bool(self._finish)

    def feed(self, delta: StreamDelta) -> OutputDelta | None:
        """What the client sees of one Delta now; text beside a finish reason waits for the end."""
        if delta.usage is not None:
            self._usage = delta.usage
        if delta.timings is not None:
            self._timings = delta.timings
        if self._finish:
            return None
        for part in delta.calls:
            self._calls.feed(part)
        piece = self._piece(delta.thinking, delta.content, delta.logprobs)
        if delta.finish:
            self._finish = delta.finish
            self._last = piece
            return None
        if piece.content or piece.thinking or piece.logprobs:
            return piece
        return None

    @property
    def passes(self) -> bool:
        """Whether `feed` would give a Piece of the same text for a Delta that is only a text."""
        splitting = self._splitter is not None and not self._splitter.is_over
        return not (splitting or self._surrogate or self._finish)

    def finish(self) -> Completion:
        """The Ending. Raises BackendError when the backend never said that it had finished."""
        if not self._finish:
            raise BackendError(502, "backend stream ended before it finished", kind="truncated")
        piece = self._last
        if self._splitter is not None:
            thinking, content = self._splitter.finish()
            piece.thinking += "" if self._drop_thinking else thinking
            piece.content += content
        if self._surrogate:
            piece.content += "\ufffd"
        return Completion(
            done_reason="length" if self._finish == "length" else "stop",
            piece=piece,
            calls=self._calls.finish(),
            usage=self._usage,
            timings=self._timings,
        )

    def _piece(
        self, thinking: str, content: str, logprobs: Sequence[Mapping[str, Any]]
    ) -> OutputDelta:
        if content:
            content = self._join_surrogates(content)
        if thinking:
            # A backend that splits thoughts off itself leaves no tags to look for.
            content = self._stop_splitting() + content
        elif self._splitter is not None and content:
            thinking, content = self._splitter.feed(content)
        if self._drop_thinking:
            thinking = ""
        if logprobs:
            wanted = self._alternatives
            logprobs = () if wanted is None else with_alternatives(logprobs, wanted)
        return OutputDelta(content, thinking, logprobs)

    def _stop_splitting(self) -> str:
        if self._splitter is None:
            return ""
        held = self._splitter.finish()[1]
        self._splitter = None
        return held

    def _join_surrogates(self, content: str) -> str:
        """Halves of a character that came in two Deltas (faults.md row 54)."""
        if self._surrogate:
            content, self._surrogate = self._surrogate + content, ""
        if content.isascii():
            return content
        if "\ud800" <= content[-1] <= "\udbff":
            content, self._surrogate = content[:-1], content[-1]
        if any("\ud800" <= character <= "\udfff" for character in content):
            content = content.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        return content
