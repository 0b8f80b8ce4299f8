"""One run of the backend for one request: streamed or folded, chat or generate."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol

from proxy.backend.client import Backend
from proxy.clock import Clock
from proxy.operations.call import Call, Frame, Json, Last, Lines
from proxy.translate.delta import Delta, Ending, Piece, Texts
from proxy.translate.generation import Generation
from proxy.translate.metrics import Moments, counts, metrics
from proxy.translate.requests import Request

DROPPED_HEADER = "Facade-Dropped"
"""Names what the backend cannot take and was therefore not sent (design.md §2 rule 8)."""


class Dress(Protocol):
    """How Pieces and an Ending look on one endpoint."""

    def lines(self, created_at: str, pieces: Sequence[Piece]) -> list[bytes]:
        """Frames before the end, encoded."""

    def texts(self, created_at: str, texts: Sequence[bytes]) -> bytes:
        """The same of texts that need no escapes, a line each."""

    def final(self, created_at: str, ending: Ending, metrics: dict[str, int]) -> dict[str, Any]:
        """The frame that ends the answer."""


@dataclass(slots=True)
class Run:
    """What one answer needs: the request is made when the backend is about to be asked.

    So an error of its making has the status and media type of a failed generation
    (golden chat/native-format-xml-stream).
    """

    request: Callable[[], Request]
    generation: Generation
    dress: Dress
    done: Callable[[], None]


class Answering:
    """Runs requests against the backend."""

    def __init__(self, backend: Backend, clock: Clock) -> None:
        self._backend = backend
        self._clock = clock

    async def answer(self, run: Run, call: Call, *, stream: bool) -> Json | Lines:
        """The answer as frames, or folded into one object."""
        if stream:
            return Lines(self._frames(run, call))
        return Json(await self._folded(run, call))

    async def _frames(self, run: Run, call: Call) -> AsyncGenerator[Sequence[Frame], None]:
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
            yield Last([self._final(run, call, moments)])
        finally:
            prepared(request, call)
            run.done()

    def _lines(self, run: Run, told: Sequence[Delta | Texts]) -> list[bytes]:
        """The frames of what was read together, and so was made together."""
        now, dress, generation = self._clock.timestamp(), run.dress, run.generation
        frames: list[bytes] = []
        pieces: list[Piece] = []
        for one in told:
            if isinstance(one, Texts) and generation.passes:
                if pieces:
                    frames += dress.lines(now, pieces)
                    pieces = []
                frames.append(dress.texts(now, one.texts))
                continue
            for delta in one.deltas() if isinstance(one, Texts) else (one,):
                piece = generation.feed(delta)
                if piece is not None:
                    pieces.append(piece)
        return frames + dress.lines(now, pieces) if pieces else frames

    async def _folded(self, run: Run, call: Call) -> dict[str, Any]:
        moments = self._moments(call)
        request = prepared(run.request(), call)
        try:
            delta = await self._backend.complete(request)
        finally:
            prepared(request, call)
            run.done()
        run.generation.feed(_ended(delta))
        return self._final(run, call, moments)

    def _moments(self, call: Call) -> Moments:
        return Moments(started=call.started, asked=self._clock.monotonic())

    def _final(self, run: Run, call: Call, moments: Moments) -> dict[str, Any]:
        ending = run.generation.finish()
        moments.ended = self._clock.monotonic()
        call.prompt_tokens, call.answer_tokens = counts(ending)
        return run.dress.final(self._clock.timestamp(), ending, metrics(ending, moments))


def prepared(request: Request, call: Call) -> Request:
    """The request; what it leaves out is named in a header of the response.

    Once more after it was sent: the backend may have refused a parameter by name.
    """
    request.authorization = call.authorization
    request.request_id = call.request_id
    if request.dropped:
        call.response_headers[DROPPED_HEADER] = ", ".join(request.dropped)
    return request


def _ended(delta: Delta) -> Delta:
    """An answer that came whole is complete by its framing, also where no reason is given."""
    delta.finish = delta.finish or "stop"
    return delta
