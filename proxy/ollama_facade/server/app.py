"""Builds the service; the only place where its parts are put together.

Settings → backend, catalog, operations → dispatch by openapi/ollama.yaml → middlewares. Every
operation of the document is a handler of the same name, and a document without one does not start.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from starlette.middleware import Middleware
from starlette.types import ASGIApp, Lifespan

from ollama_facade import contract
from ollama_facade.backend.client import Backend
from ollama_facade.catalog.registry import Catalog
from ollama_facade.clock import Clock
from ollama_facade.config.settings import Settings
from ollama_facade.errors import OllamaError
from ollama_facade.operations import Handler, Services, handlers
from ollama_facade.operations.loaded import Loaded
from ollama_facade.server.body import BodyMiddleware
from ollama_facade.server.cors import CorsMiddleware, CorsPolicy
from ollama_facade.server.direct_dispatch import DirectDispatch, connexion_app, direct_routes
from ollama_facade.server.disconnect import DisconnectMiddleware
from ollama_facade.server.endpoint import make_endpoint
from ollama_facade.server.health import HealthEndpoints, PathRouter, PortRouter, operations_of
from ollama_facade.server.hosts import HostPolicy, TrustedHostMiddleware
from ollama_facade.server.keys import KeyMiddleware
from ollama_facade.server.lifecycle import RequestStateMiddleware, ServerErrorMiddleware
from ollama_facade.server.metrics import Metrics
from ollama_facade.server.pages import DOCUMENTATION, INTERFACE
from ollama_facade.server.queue import QueueMiddleware
from ollama_facade.server.routes import Routes
from ollama_facade.server.routing import RedirectMiddleware, RouteErrorMiddleware
from ollama_facade.server.shutdown import Shutdown, ShutdownMiddleware


def build(
    settings: Settings,
    clock: Clock | None = None,
    shutdown: Shutdown | None = None,
    *,
    shared: bool = False,
) -> ASGIApp:
    """Returns the whole service as one ASGI application. Raises ContractError, SettingsError.

    `shutdown` is how the caller stops it. `shared`: other processes serve the same, and the metrics
    are those of all.
    """
    clock = clock or Clock()
    shutdown = shutdown or Shutdown()
    backend = Backend(settings)
    catalog = Catalog(settings, backend, clock)
    services = Services(settings, clock, catalog, backend, Loaded(clock, settings))
    document = contract.document()

    @asynccontextmanager
    async def lifespan(_app: object) -> AsyncIterator[None]:
        await catalog.preload()
        yield
        await backend.close()

    async def readiness() -> OllamaError | None:
        return shutdown.refusal or await catalog.failure()

    metrics = Metrics(shared=shared) if settings.metrics else None
    own_port = settings.metrics_host
    endpoints = {
        **(DOCUMENTATION if settings.docs else {}),
        **(INTERFACE if settings.ui else {}),
        **HealthEndpoints(readiness, metrics if own_port is None else None).endpoints(),
    }
    routes = Routes((*contract.operations(document), *operations_of(endpoints)))
    app = PathRouter(endpoints, dispatch(document, handlers(services), clock, lifespan))
    main = wrap(app, middlewares(settings, clock, routes, metrics, shutdown))
    if own_port is None:
        return main
    return PortRouter(
        own_port[1], PathRouter(HealthEndpoints(readiness, metrics).endpoints()), main
    )


def middlewares(
    settings: Settings,
    clock: Clock,
    routes: Routes,
    metrics: Metrics | None,
    shutdown: Shutdown,
) -> list[Middleware]:
    """Returns what Ollama's server does before a handler sees a request, in its order.

    (management.md §1.2, §1.6 and §1.7; faults.md rows 6, 7, 22, 23, 38 and 40.) Raises
    SettingsError for an origin at which Ollama would not start.
    """
    origins = CorsPolicy(settings.origins)
    hosts = HostPolicy(settings.host, settings.allowed_hosts, any_origin=origins.all)
    return [
        Middleware(RequestStateMiddleware, clock, routes, settings.write_timeout, metrics),
        Middleware(RedirectMiddleware, routes),
        Middleware(CorsMiddleware, origins),
        Middleware(TrustedHostMiddleware, hosts),
        Middleware(RouteErrorMiddleware),
        Middleware(ShutdownMiddleware, shutdown),
        Middleware(KeyMiddleware, settings.api_keys),
        Middleware(QueueMiddleware, settings.max_queue),
        Middleware(BodyMiddleware, settings.max_body, settings.body_timeout),
        Middleware(DisconnectMiddleware, shutdown),
        Middleware(ServerErrorMiddleware),
    ]


def wrap(app: ASGIApp, outermost_first: Iterable[Middleware]) -> ASGIApp:
    """Returns the application within its middlewares."""
    for middleware in reversed([*outermost_first]):
        app = middleware.cls(app, *middleware.args, **middleware.kwargs)
    return app


def dispatch(
    document: Mapping[str, Any],
    by_name: Mapping[str, Handler],
    clock: Clock,
    lifespan: Lifespan[Any] | None = None,
) -> DirectDispatch:
    """Returns what answers the operations of `document`: a handler for every operationId.

    Raises ContractError for an operation without one.
    """
    endpoints = {name: make_endpoint(handler, clock) for name, handler in by_name.items()}
    app = connexion_app(document, endpoints, lifespan)
    return DirectDispatch(app, dict(direct_routes(document, endpoints)))
