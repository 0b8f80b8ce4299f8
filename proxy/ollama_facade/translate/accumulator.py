"""The one machine for every answer: StreamDeltas in, OutputDeltas and exactly one Completion out.

Laws (tests/translate/test_accumulator_laws.py): any split of the content folds to the same answer;
`feed` raises nothing but OllamaError; there is one Completion; a stream folded equals the answer
that was not streamed; no OutputDelta is empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ollama_facade.errors import BackendError
from ollama_facade.translate.deltas import (
    Completion,
    OutputDelta,
    StreamDelta,
    TextRun,
    Timings,
    Usage,
    each_delta,
)
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

    def feed_batch(self, batch: Sequence[StreamDelta | TextRun]) -> list[OutputDelta | TextRun]:
        """What the client sees of the deltas that were read together."""
        output: list[OutputDelta | TextRun] = []
        for item in batch:
            if isinstance(item, TextRun) and self.accepts_raw_text:
                output.append(item)
                continue
            for delta in each_delta((item,)):
                visible = self.feed(delta)
                if visible is not None:
                    output.append(visible)
        return output

    def feed(self, delta: StreamDelta) -> OutputDelta | None:
        """What the client sees of one delta; text beside a finish reason waits for the end."""
        if delta.usage is not None:
            self._usage = delta.usage
        if delta.timings is not None:
            self._timings = delta.timings
        if self._finish:
            return None
        for part in delta.calls:
            self._calls.feed(part)
        output = self._output(delta.thinking, delta.content, delta.logprobs)
        if delta.finish:
            self._finish = delta.finish
            self._last = output
            return None
        if output.content or output.thinking or output.logprobs:
            return output
        return None

    @property
    def accepts_raw_text(self) -> bool:
        """Whether a delta that is only a text reaches the client as it is."""
        splitting = self._splitter is not None and not self._splitter.is_over
        return not (splitting or self._surrogate or self._finish)

    def finish(self) -> Completion:
        """The completion. Raises BackendError when the backend gave no finish reason."""
        if not self._finish:
            raise BackendError(502, "backend stream ended before it finished", kind="truncated")
        output = self._last
        if self._splitter is not None:
            thinking, content = self._splitter.finish()
            output.thinking += "" if self._drop_thinking else thinking
            output.content += content
        if self._surrogate:
            output.content += "\ufffd"
        return Completion(
            done_reason="length" if self._finish == "length" else "stop",
            output=output,
            calls=self._calls.finish(),
            usage=self._usage,
            timings=self._timings,
        )

    def _output(
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
        """Joins halves of a character that came in two deltas (faults.md row 54)."""
        if self._surrogate:
            content, self._surrogate = self._surrogate + content, ""
        if content.isascii():
            return content
        if "\ud800" <= content[-1] <= "\udbff":
            content, self._surrogate = content[:-1], content[-1]
        if any("\ud800" <= character <= "\udfff" for character in content):
            content = content.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        return content
