"""The outermost and the innermost middleware: where a request begins, and where its bugs end.

RequestStateMiddleware makes the RequestState that the others share, gives the response its writer,
and writes the log line and the metrics at the end. ServerErrorMiddleware stands directly around the
application, and makes sure that every response gets an end.
"""

from __future__ import annotations

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from ollama_facade.clock import Clock
from ollama_facade.errors import OllamaError
from ollama_facade.server.error_responses import send_error
from ollama_facade.server.logging import log_request
from ollama_facade.server.metrics import Metrics
from ollama_facade.server.request_head import RequestHead
from ollama_facade.server.request_record import RequestRecord
from ollama_facade.server.request_state import RequestState
from ollama_facade.server.response_writer import CutError, ResponseWriter
from ollama_facade.server.routes import Routes
from ollama_facade.server.shutdown import ShutdownGuard

_log = structlog.get_logger(__name__)


class RequestStateMiddleware:
    """Makes the state of a request, and logs and counts it when it has ended.

    `lifespan` is passed on, websockets are closed. `write_timeout` is seconds for each write.
    """

    def __init__(
        self,
        app: ASGIApp,
        clock: Clock,
        routes: Routes,
        write_timeout: float,
        metrics: Metrics | None = None,
    ) -> None:
        self.app = app
        self._clock = clock
        self._routes = routes
        self._write_timeout = write_timeout
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await self._respond(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        state, writer = self._state(scope, send)
        scope = state.head.origin_form(scope)
        state.attach(scope)
        record = state.record
        metrics = None if record.unlogged else self._metrics
        if metrics:
            metrics.begin()
        try:
            await self.app(scope, receive, writer.send)
            await writer.finish(receive)
        except CutError:
            raise
        except Exception:  # noqa: BLE001 - a bug in a middleware
            _log.exception("request failed")
            await writer.give_up(receive, state.error_form)
        finally:
            finished = self._clock.monotonic()
            record.finish()
            log_request(record, finished)
            if metrics:
                metrics.end(record.metrics(finished))

    def _state(self, scope: Scope, send: Send) -> tuple[RequestState, ResponseWriter]:
        head = RequestHead(scope)
        route = self._routes.find(head.path)
        operation = route.operations.get(head.method) if route is not None else None
        record = RequestRecord(head.method, head.target, self._clock.monotonic(), head.request_id)
        if route is not None:
            record.route = route.template
            record.unlogged = route.unlogged
        headers = [(b"x-request-id", head.request_id.encode())]
        writer = ResponseWriter(send, record, self._write_timeout, headers)
        return RequestState(head, record, route, operation, headers, writer), writer


class ServerErrorMiddleware:
    """Makes a response of whatever the application raises, and ends one that has no end."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        state = RequestState.of(scope)
        writer, send = state.writing(send)
        try:
            with ShutdownGuard(state):
                await self.app(scope, receive, send)
        except OllamaError as error:
            if not writer.started:
                await send_error(send, error, state.error_form)
                return
            _log.exception("answer broke off")
        except Exception:  # noqa: BLE001 - the last place where it can be one
            if state.client_gone:
                return
            _log.exception("request failed")
        else:
            if writer.ended or state.client_gone:
                return
            _log.error("answer has no end")
        await writer.fail(state.error_form)
