"""Event streams of `/v1`: the status goes out with the first events, a later failure is an event.

Ollama loses a failure in mid-stream: an empty chunk, and the stream ends (management.md §4.0). Here
it is an error in the route's envelope, and the mark of a whole answer does not follow.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ollama_facade.errors import OllamaError
from ollama_facade.golang.encode import dumps
from ollama_facade.operations.context import SseStream
from ollama_facade.server.envelopes import envelope
from ollama_facade.server.logging import note_failure
from ollama_facade.server.shutdown import ShutdownGuard

MEDIA_TYPE = "text/event-stream"
DONE = b"data: [DONE]\n\n"

_log = structlog.get_logger(__name__)


async def begin(events: SseStream, headers: Mapping[str, str]) -> Response:
    """Waits for the first batch, then gives the response. Raises what the batches raise before it.

    `headers` are read after the first batch, so that what made it can add to them.
    """
    first: list[dict[str, Any]] = await anext(events.batches, [])
    return EventResponse(first, events, headers)


class EventResponse(Response):
    """Sends values as events, those that are ready together in one write."""

    def __init__(
        self, first: list[dict[str, Any]], events: SseStream, headers: Mapping[str, str]
    ) -> None:
        more = {"Cache-Control": "no-cache"} if events.named else {}
        super().__init__(status_code=200, headers={**more, **headers})
        # Starlette would add a charset to a text type, and a length that is not known.
        self.headers["content-type"] = MEDIA_TYPE
        del self.headers["content-length"]
        self._first = first
        self._events = events

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Sends everything and ends the body properly, also after a failure."""
        path, batches, end = scope["path"], self._events.batches, b""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        try:
            with ShutdownGuard(scope):
                await self._send(send, self._first)
                async for values in batches:
                    await self._send(send, values)
            end = DONE if self._events.done else b""
        except OllamaError as error:
            note_failure(scope, error)
            end = self._failure(error, path)
        except Exception:  # noqa: BLE001 - the client must get an event whatever broke
            _log.exception("answer broke off")
            end = self._failure(OllamaError(500, "internal server error"), path)
        finally:
            close = getattr(batches, "aclose", None)
            if close is not None:
                await close()
        await send({"type": "http.response.body", "body": end, "more_body": False})

    async def _send(self, send: Send, values: list[dict[str, Any]]) -> None:
        body = b"".join([self._event(value) for value in values])
        if body:
            await send({"type": "http.response.body", "body": body, "more_body": True})

    def _event(self, value: dict[str, Any]) -> bytes:
        data = b"data: " + dumps(value) + b"\n\n"
        return (
            b"event: " + str(value["type"]).encode() + b"\n" + data if self._events.named else data
        )

    def _failure(self, error: OllamaError, path: str) -> bytes:
        data = b"data: " + dumps(envelope(error, path)) + b"\n\n"
        return b"event: error\n" + data if self._events.named else data
