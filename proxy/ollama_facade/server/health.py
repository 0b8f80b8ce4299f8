"""For operators: `/healthz`, `/readyz` and `/metrics`.

`/healthz` says that the process answers. `/readyz` says that a request would be served: the backend
lists its models, and the service is not about to stop; else it is a 503 with ``{"error": …}``.
`/metrics` is Prometheus' text. None of them is Ollama's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import partial

from starlette.types import ASGIApp, Receive, Scope, Send

from ollama_facade.contract import Operation
from ollama_facade.errors import OllamaError
from ollama_facade.server.error_responses import JSON, PLAIN, send_error, send_response
from ollama_facade.server.metrics import CONTENT_TYPE, Metrics

HEALTH = "/healthz"
READY = "/readyz"
METRICS = "/metrics"

UNLOGGED = frozenset((HEALTH, READY, METRICS))
"""Paths that are asked every few seconds, and are neither counted nor logged when all is well."""

PUBLIC = frozenset((HEALTH, READY))
"""Paths that need no key."""

Readiness = Callable[[], Awaitable[OllamaError | None]]
Endpoints = Mapping[str, ASGIApp]
"""What answers GET and HEAD of each path."""


class HealthEndpoints:
    """The three paths.

    `readiness` returns the error for which a request would fail, None for none. Without `metrics`
    there is no `/metrics`.
    """

    def __init__(self, readiness: Readiness, metrics: Metrics | None) -> None:
        self._readiness = readiness
        self._metrics = metrics

    def endpoints(self) -> Endpoints:
        """Returns the application for each path."""
        endpoints: dict[str, ASGIApp] = {HEALTH: self._health, READY: self._ready}
        if self._metrics is not None:
            endpoints[METRICS] = partial(_expose, self._metrics)
        return endpoints

    async def _health(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await send_response(send, 200, [JSON], b'{"status":"ok"}')

    async def _ready(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        error = await self._readiness()
        if error is None:
            await send_response(send, 200, [JSON], b'{"status":"ready"}')
        else:
            await send_error(send, OllamaError(503, error.message))


async def _expose(metrics: Metrics, _scope: Scope, _receive: Receive, send: Send) -> None:
    headers = [(b"content-type", CONTENT_TYPE.encode())]
    await send_response(send, 200, headers, metrics.exposition())


class PathRouter:
    """Answers the paths of `endpoints`; any other goes to `app`, or is a 404 without one."""

    def __init__(self, endpoints: Endpoints, app: ASGIApp | None = None) -> None:
        self._endpoints = endpoints
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers or passes on one request."""
        endpoint = self._endpoints.get(scope.get("path", ""), self._app)
        if endpoint is not None:
            await endpoint(scope, receive, send)
        else:
            await send_response(send, 404, [PLAIN], b"404 page not found")


class PortRouter:
    """Passes requests at the port of FACADE_METRICS_HOST to `health`, others to `app`.

    So one server, one shutdown and one drain serve both, and no client of the main port gets there.
    """

    def __init__(self, port: int, health: ASGIApp, app: ASGIApp) -> None:
        self._port = port
        self._health = health
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes on one request."""
        matches = scope["type"] == "http" and (scope.get("server") or ("", 0))[1] == self._port
        await (self._health if matches else self._app)(scope, receive, send)


def operations_of(endpoints: Endpoints) -> Iterator[Operation]:
    """Returns the operations of paths that are not in the contract, for the table of routes."""
    for path in endpoints:
        for method in ("head", "get"):
            public = path not in UNLOGGED or path in PUBLIC
            yield Operation("", method, path, public=public, unlogged=path in UNLOGGED)
