"""One run of the backend for one request: streamed or folded, chat or generate."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol

from ollama_facade.backend.client import Backend
from ollama_facade.clock import Clock
from ollama_facade.operations.context import FinalBatch, Frame, Json, NdjsonStream, RequestContext
from ollama_facade.translate.accumulator import Accumulator
from ollama_facade.translate.deltas import Completion, OutputDelta, StreamDelta, TextRun
from ollama_facade.translate.metrics import Moments, counts, metrics
from ollama_facade.translate.requests import BackendRequest

DROPPED_HEADER = "Facade-Dropped"
"""Names what the backend cannot take and was therefore not sent (design.md §2 rule 8)."""


class FrameRenderer(Protocol):
    """How Pieces and an Ending look on one endpoint."""

    def lines(self, created_at: str, pieces: Sequence[OutputDelta]) -> list[bytes]:
        """Frames before the end, encoded."""

    def texts(self, created_at: str, texts: Sequence[bytes]) -> bytes:
        """The same of texts that need no escapes, a line each."""

    def final(self, created_at: str, ending: Completion, metrics: dict[str, int]) -> dict[str, Any]:
        """The frame that ends the answer."""


@dataclass(slots=True)
class Run:
    """What one answer needs: the request is made when the backend is about to be asked.

    So an error of its making has the status and media type of a failed generation
    (golden chat/native-format-xml-stream).
    """

    request: Callable[[], BackendRequest]
    generation: Accumulator
    dress: FrameRenderer
    done: Callable[[], None]


class Answering:
    """Runs requests against the backend."""

    def __init__(self, backend: Backend, clock: Clock) -> None:
        self._backend = backend
        self._clock = clock

    async def answer(self, run: Run, call: RequestContext, *, stream: bool) -> Json | NdjsonStream:
        """The answer as frames, or folded into one object."""
        if stream:
            return NdjsonStream(self._frames(run, call))
        return Json(await self._folded(run, call))

    async def _frames(
        self, run: Run, call: RequestContext
    ) -> AsyncGenerator[Sequence[Frame], None]:
        moments = self._moments(call)
        request = prepared(run.request(), call)
        try:
            async with aclosing(self._backend.stream(request)) as batches:
                async for told in batches:
                    if not moments.first:
                        moments.first = self._clock.monotonic()
                        prepared(request, call)
                    if frames := self._lines(run, told):
                        yield frames
            yield FinalBatch([self._final(run, call, moments)])
        finally:
            prepared(request, call)
            run.done()

    def _lines(self, run: Run, told: Sequence[StreamDelta | TextRun]) -> list[bytes]:
        """The frames of what was read together, and so was made together."""
        now, dress, generation = self._clock.timestamp(), run.dress, run.generation
        frames: list[bytes] = []
        pieces: list[OutputDelta] = []
        for one in told:
            if isinstance(one, TextRun) and generation.passes:
                if pieces:
                    frames += dress.lines(now, pieces)
                    pieces = []
                frames.append(dress.texts(now, one.texts))
                continue
            for delta in one.deltas() if isinstance(one, TextRun) else (one,):
                piece = generation.feed(delta)
                if piece is not None:
                    pieces.append(piece)
        return frames + dress.lines(now, pieces) if pieces else frames

    async def _folded(self, run: Run, call: RequestContext) -> dict[str, Any]:
        moments = self._moments(call)
        request = prepared(run.request(), call)
        try:
            delta = await self._backend.complete(request)
        finally:
            prepared(request, call)
            run.done()
        run.generation.feed(_ended(delta))
        return self._final(run, call, moments)

    def _moments(self, call: RequestContext) -> Moments:
        return Moments(started=call.started, asked=self._clock.monotonic())

    def _final(self, run: Run, call: RequestContext, moments: Moments) -> dict[str, Any]:
        ending = run.generation.finish()
        moments.ended = self._clock.monotonic()
        call.prompt_tokens, call.answer_tokens = counts(ending)
        return run.dress.final(self._clock.timestamp(), ending, metrics(ending, moments))


def prepared(request: BackendRequest, call: RequestContext) -> BackendRequest:
    """The request; what it leaves out is named in a header of the response.

    Once more after it was sent: the backend may have refused a parameter by name.
    """
    request.authorization = call.authorization
    request.request_id = call.request_id
    if request.dropped:
        call.response_headers[DROPPED_HEADER] = ", ".join(request.dropped)
    return request


def _ended(delta: StreamDelta) -> StreamDelta:
    """An answer that came whole is complete by its framing, also where no reason is given."""
    delta.finish = delta.finish or "stop"
    return delta
