"""NDJSON answers: the status goes out when the first frames are known, a later failure is a line.

(inference.md §4.2-4.3; design.md §2 rules 5 and 6)
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence

import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ollama_facade.errors import OllamaError
from ollama_facade.golang.encode import dumps
from ollama_facade.operations.context import FinalBatch, Frame
from ollama_facade.server.logging import note_failure
from ollama_facade.server.shutdown import ShutdownGuard

MEDIA_TYPE = "application/x-ndjson"

_log = structlog.get_logger(__name__)

Batches = AsyncIterator[Sequence[Frame]]

_NOTHING = FinalBatch()


async def begin(batches: Batches, headers: Mapping[str, str]) -> Response:
    """Waits for the first batch, then gives the response. Raises what the batches raise before it.

    `headers` are read after the first batch, so that what made it can add to them.
    """
    first: Sequence[Frame] = await anext(batches, [])
    return NdjsonResponse(first, batches, headers)


class NdjsonResponse(Response):
    """Sends frames as lines, those that are ready together in one write."""

    def __init__(
        self, first: Sequence[Frame], batches: Batches, headers: Mapping[str, str]
    ) -> None:
        super().__init__(status_code=200, media_type=MEDIA_TYPE, headers=dict(headers))
        # The length is not known: the body is sent chunked.
        del self.headers["content-length"]
        self._first = first
        self._batches = batches

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Sends everything and ends the body properly, also after a failure."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        end = b""
        try:
            with ShutdownGuard(scope):
                frames = self._first
                while not isinstance(frames, FinalBatch):
                    if body := _lines(frames):
                        await send({"type": "http.response.body", "body": body, "more_body": True})
                    frames = await anext(self._batches, _NOTHING)
                end = _lines(frames)
        except OllamaError as error:
            note_failure(scope, error)
            end = _lines([{"error": error.message}])
        except Exception:  # noqa: BLE001 - the client must get a line whatever broke
            _log.exception("answer broke off")
            end = _lines([{"error": "internal server error"}])
        finally:
            close = getattr(self._batches, "aclose", None)
            if close is not None:
                await close()
        await send({"type": "http.response.body", "body": end, "more_body": False})


def _lines(frames: Sequence[Frame]) -> bytes:
    return b"".join(
        [(frame if isinstance(frame, bytes) else dumps(frame)) + b"\n" for frame in frames]
    )
