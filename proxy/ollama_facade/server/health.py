"""For whoever runs the service: `/healthz`, `/readyz` and `/metrics`.

`/healthz` says that the process answers. `/readyz` says that a request would be served: the backend
lists its models, and the service is not about to stop; else it is a 503 with ``{"error": …}``.
`/metrics` is Prometheus' text. None of them is Ollama's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from starlette.types import ASGIApp, Receive, Scope, Send

from ollama_facade.errors import OllamaError
from ollama_facade.server.answers import JSON, PLAIN, answer, error_response
from ollama_facade.server.metrics import CONTENT_TYPE, Metrics

HEALTH = "/healthz"
READY = "/readyz"
METRICS = "/metrics"

UNLOGGED = frozenset((HEALTH, READY, METRICS))
"""Paths that are asked every few seconds, and are neither counted nor logged when all is well."""

Readiness = Callable[[], Awaitable[OllamaError | None]]


class HealthEndpoints:
    """The three paths; any other goes to `app`, or is not there where there is none.

    `readiness` gives the error for which a request would fail, None for none. Without `meter` there
    is no `/metrics`.
    """

    def __init__(self, readiness: Readiness, meter: Metrics | None, app: ASGIApp | None = None):
        self._readiness = readiness
        self._meter = meter
        self._app = app

    def routes(self) -> Mapping[str, Sequence[str]]:
        """Path → methods, for the door."""
        paths = (HEALTH, READY, METRICS) if self._meter else (HEALTH, READY)
        return dict.fromkeys(paths, ("HEAD", "GET"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, for GET and HEAD alike."""
        path = scope.get("path")
        if path == HEALTH:
            await answer(send, 200, [JSON], b'{"status":"ok"}')
        elif path == READY:
            error = await self._readiness()
            if error is None:
                await answer(send, 200, [JSON], b'{"status":"ready"}')
            else:
                await error_response(send, OllamaError(503, error.message), READY)
        elif path == METRICS and self._meter is not None:
            kind = (b"content-type", CONTENT_TYPE.encode())
            await answer(send, 200, [kind], self._meter.exposition())
        elif self._app is not None:
            await self._app(scope, receive, send)
        else:
            await answer(send, 404, [PLAIN], b"404 page not found")


class PortRouter:
    """Requests that came in at the port of FACADE_METRICS_HOST go to `operating`, others to `app`.

    So one server, one end and one drain serve both, and nobody at the main port can get there.
    """

    def __init__(self, port: int, operating: ASGIApp, app: ASGIApp) -> None:
        self._port = port
        self._operating = operating
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes one request on."""
        here = scope["type"] == "http" and (scope.get("server") or ("", 0))[1] == self._port
        await (self._operating if here else self._app)(scope, receive, send)
