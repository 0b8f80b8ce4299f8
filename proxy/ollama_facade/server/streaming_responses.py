"""Streamed responses: NDJSON of `/api`, server-sent events of `/v1`.

The status goes out when the first frames are known (inference.md §4.2-4.3; design.md §2 rules 5 and
6). A later failure is a last line, or a last event in the form of the route's API. Ollama loses a
failure in mid-stream of `/v1`: an empty chunk, and the stream ends (management.md §4.0). Here the
mark of a whole answer does not follow.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ollama_facade.contract import ErrorForm
from ollama_facade.errors import OllamaError
from ollama_facade.golang.encode import dumps
from ollama_facade.operations.context import FinalBatch, Frame, NdjsonStream, SseStream
from ollama_facade.server.error_responses import INTERNAL_ERROR, error_object
from ollama_facade.server.request_state import RequestState
from ollama_facade.server.shutdown import ShutdownGuard

DONE = b"data: [DONE]\n\n"

_log = structlog.get_logger(__name__)

_END = FinalBatch()


async def begin_stream(
    stream: NdjsonStream | SseStream, headers: Mapping[str, str]
) -> StreamResponse:
    """Waits for the first batch, then returns the response. Raises what the batches raise before.

    `headers` are read after the first batch, so that what made it can add to them.
    """
    batches: AsyncIterator[Sequence[Frame]] = stream.batches
    first: Sequence[Frame] = await anext(batches, [])
    if isinstance(stream, SseStream):
        return EventResponse(first, stream, headers)
    return NdjsonResponse(first, batches, headers)


class StreamResponse(Response):
    """Sends batches of frames; the frames of one batch in one write."""

    content_type: str

    def __init__(
        self,
        first: Sequence[Frame],
        batches: AsyncIterator[Sequence[Frame]],
        headers: Mapping[str, str],
    ) -> None:
        super().__init__(status_code=200, headers=dict(headers))
        # Starlette would add a charset to a text type, and a length that is not known.
        self.headers["content-type"] = self.content_type
        del self.headers["content-length"]
        self._first = first
        self._batches = batches

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Sends everything and ends the body properly, also after a failure."""
        state = RequestState.of(scope)
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        try:
            with ShutdownGuard(state):
                frames = self._first
                while not isinstance(frames, FinalBatch):
                    if body := self.encode(frames):
                        await send({"type": "http.response.body", "body": body, "more_body": True})
                    frames = await anext(self._batches, _END)
                end = self.encode(frames) + self.terminator()
        except OllamaError as error:
            state.record.note_failure(error)
            end = self.encode_error(error, state.error_form)
        except Exception:  # noqa: BLE001 - the client must get the error whatever broke
            _log.exception("answer broke off")
            end = self.encode_error(OllamaError(500, INTERNAL_ERROR), state.error_form)
        finally:
            close = getattr(self._batches, "aclose", None)
            if close is not None:
                await close()
        await send({"type": "http.response.body", "body": end, "more_body": False})

    @abstractmethod
    def encode(self, frames: Sequence[Frame]) -> bytes:
        """Returns the bytes of frames."""

    @abstractmethod
    def encode_error(self, error: OllamaError, form: ErrorForm) -> bytes:
        """Returns the bytes that report a failure in mid-stream."""

    def terminator(self) -> bytes:
        """Returns the mark of a whole answer."""
        return b""


class NdjsonResponse(StreamResponse):
    """A frame is a line."""

    content_type = "application/x-ndjson"

    def encode(self, frames: Sequence[Frame]) -> bytes:
        """Returns the lines of frames."""
        return b"".join(
            [(frame if isinstance(frame, bytes) else dumps(frame)) + b"\n" for frame in frames]
        )

    def encode_error(self, error: OllamaError, _form: ErrorForm) -> bytes:
        """Returns the error line."""
        return dumps({"error": error.message}) + b"\n"


class EventResponse(StreamResponse):
    """A frame is an event, with its type as its name where the stream is `named`."""

    content_type = "text/event-stream"

    def __init__(
        self, first: Sequence[Frame], stream: SseStream, headers: Mapping[str, str]
    ) -> None:
        more = {"Cache-Control": "no-cache"} if stream.named else {}
        super().__init__(first, stream.batches, {**more, **headers})
        self._stream = stream

    def encode(self, frames: Sequence[Frame]) -> bytes:
        """Returns the events of frames."""
        return b"".join([self._event(frame) for frame in frames])

    def encode_error(self, error: OllamaError, form: ErrorForm) -> bytes:
        """Returns the error event."""
        data = _data(error_object(error, form))
        return b"event: error\n" + data if self._stream.named else data

    def terminator(self) -> bytes:
        """Returns ``[DONE]`` where the API has it."""
        return DONE if self._stream.done else b""

    def _event(self, frame: Frame) -> bytes:
        if isinstance(frame, bytes):
            return b"data: " + frame + b"\n\n"
        if self._stream.named:
            return b"event: " + str(frame["type"]).encode() + b"\n" + _data(frame)
        return _data(frame)


def _data(value: dict[str, Any]) -> bytes:
    return b"data: " + dumps(value) + b"\n\n"
