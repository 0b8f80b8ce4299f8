"""The limit of requests under way, OLLAMA_MAX_QUEUE (faults.md row 38)."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from ollama_facade.errors import OllamaError
from ollama_facade.server.request_state import RequestState

BUSY = "server busy, please try again.  maximum pending requests exceeded"


class QueueMiddleware:
    """Refuses a request for a queued operation while `capacity` of them are under way."""

    def __init__(self, app: ASGIApp, capacity: int) -> None:
        self.app = app
        self._capacity = max(1, capacity)
        self.under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers or passes on one request."""
        state = RequestState.of(scope) if scope["type"] == "http" else None
        if state is None or state.operation is None or not state.operation.queued:
            await self.app(scope, receive, send)
        elif self.under_way >= self._capacity:
            state.record.outcome = "busy"
            await state.refuse_early(send, OllamaError(503, BUSY))
        else:
            self.under_way += 1
            try:
                await self.app(scope, receive, send)
            finally:
                self.under_way -= 1
