"""Builds the service: settings → backend, catalog, operations → Connexion → the door.

Connexion routes and validates from openapi/ollama.yaml; every operation of the document is a method
of the same name, and a document without one does not start.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from connexion import AsyncApp
from connexion.context import _scope as current_scope
from connexion.options import SwaggerUIOptions
from connexion.resolver import Resolver
from starlette.responses import Response
from starlette.types import ASGIApp, Scope

from ollama_facade import contract
from ollama_facade.backend.client import Backend
from ollama_facade.catalog.registry import Catalog
from ollama_facade.clock import Clock
from ollama_facade.config.settings import Settings
from ollama_facade.contract.decoder import decoder
from ollama_facade.errors import ContractError, OllamaError
from ollama_facade.golang.encode import dumps
from ollama_facade.operations import Services, handlers
from ollama_facade.operations.context import (
    Empty,
    Json,
    NdjsonStream,
    RequestContext,
    SseStream,
    Text,
)
from ollama_facade.operations.loaded import Loaded
from ollama_facade.server import ndjson, problems, sse
from ollama_facade.server.direct_dispatch import DirectDispatch
from ollama_facade.server.documentation import DOCUMENTATION
from ollama_facade.server.door import Door
from ollama_facade.server.health import HealthEndpoints, PortRouter
from ollama_facade.server.interface import INTERFACE
from ollama_facade.server.logging import RequestRecord, note_failure
from ollama_facade.server.metrics import Metrics
from ollama_facade.server.pages import Static
from ollama_facade.server.problems import error_response
from ollama_facade.server.routing import routes
from ollama_facade.server.shutdown import Shutdown, ShutdownGuard
from ollama_facade.server.validation import BodyValidator

ANTHROPIC = (b"anthropic-beta", b"anthropic-version")
_HEARD = frozenset((b"user-agent", b"authorization", *ANTHROPIC))
"""Headers of a request that mean something behind the door."""

Answer = Json | Text | Empty | NdjsonStream | SseStream
Operation = Callable[..., Awaitable[Answer]]


def build(
    settings: Settings,
    clock: Clock | None = None,
    stopping: Shutdown | None = None,
    *,
    shared: bool = False,
) -> ASGIApp:
    """The whole service as one ASGI application. Raises ContractError, SettingsError.

    Whoever means to stop it says so to `stopping`. `shared`: other processes serve the same, and
    the metrics are those of all (`metering`).
    """
    clock = clock or Clock()
    stopping = stopping or Shutdown()
    backend = Backend(settings)
    catalog = Catalog(settings, backend, clock)
    services = Services(settings, clock, catalog, backend, Loaded(clock, settings))
    document = contract.document()

    @asynccontextmanager
    async def lifespan(_app: object) -> AsyncIterator[None]:
        await catalog.preload()
        yield
        await backend.close()

    for operation in contract.operations():
        if operation.request:
            decoder(operation.request)  # compiled now, so that no request pays for it
    app = connexion_app(document, handlers(services), clock, lifespan)
    pages = {**(DOCUMENTATION if settings.docs else {}), **(INTERFACE if settings.ui else {})}
    meter = Metrics(shared=shared) if settings.metrics else None
    apart = settings.metrics_host

    async def readiness() -> OllamaError | None:
        return stopping.refusal or await catalog.failure()

    main = HealthEndpoints(readiness, meter if apart is None else None, Static(app, pages))
    table = {**routes(document), **main.routes(), **dict.fromkeys(pages, ("HEAD", "GET"))}
    door = Door(main, settings, clock, table, meter, stopping)
    return door if apart is None else PortRouter(apart[1], HealthEndpoints(readiness, meter), door)


def connexion_app(
    document: Mapping[str, Any],
    methods: Mapping[str, Operation],
    clock: Clock,
    lifespan: Callable[[Any], Any] | None = None,
) -> AsyncApp:
    """Connexion over `document`. Raises ContractError for an operation without a method."""
    for item in document["paths"].values():
        for method in contract.METHODS:
            name = item[method]["operationId"] if method in item else None
            if name is not None and name not in methods:
                raise ContractError(f"no method for the operation {name!r}")

    def resolve(operation_id: str) -> Callable[..., Awaitable[Response]]:
        return _endpoint(methods[operation_id], clock)

    no_page = SwaggerUIOptions(serve_spec=False, swagger_ui=False)
    app = DirectDispatch(
        "proxy", failed=problems.response, lifespan=lifespan, swagger_ui_options=no_page
    )
    app.add_api(
        # The door asks for keys, before anything else is looked at.
        {key: value for key, value in document.items() if key != "security"},
        resolver=Resolver(resolve),
        validator_map={"body": {"application/json": BodyValidator}},
    )
    problems.handle(app)
    return app


def _endpoint(operation: Operation, clock: Clock) -> Callable[..., Awaitable[Response]]:
    """The method as Connexion calls it: no arguments, the request lies in the scope."""
    takes_body = "body" in inspect.signature(operation).parameters

    async def endpoint(**_path: object) -> Response:
        scope: Scope = current_scope.get()
        call = _call(scope, clock)
        body = scope.get("facade.checked") or {}
        if "facade.record" in scope:
            record: RequestRecord = scope["facade.record"]
            named = body.get("model") or body.get("name")
            # An operation that does not know the field has not had it checked.
            record.call, record.model = call, named if isinstance(named, str) else ""
        try:
            with ShutdownGuard(scope):
                answer = await (operation(body, call) if takes_body else operation(call))
        except OllamaError as error:
            note_failure(scope, error)
            return error_response(error, scope["path"], call.response_headers)
        if isinstance(answer, NdjsonStream | SseStream):
            try:
                with ShutdownGuard(scope):
                    if isinstance(answer, SseStream):
                        return await sse.begin(answer, call.response_headers)
                    return await ndjson.begin(answer.batches, call.response_headers)
            except OllamaError as error:
                note_failure(scope, error)
                headers = call.response_headers
                return error_response(error, scope["path"], headers, "application/json")
        return _response(answer, call.response_headers)

    # Connexion hands over path parameters always, and reads the body for whoever takes anything.
    endpoint.__signature__ = inspect.Signature()  # type: ignore[attr-defined]
    return endpoint


def _call(scope: Scope, clock: Clock) -> RequestContext:
    headers = {name: value.decode("latin-1") for name, value in scope["headers"] if name in _HEARD}
    record: RequestRecord | None = scope.get("facade.record")
    return RequestContext(
        started=scope.get("facade.started") or clock.monotonic(),
        user_agent=headers.get(b"user-agent", ""),
        authorization=headers.get(b"authorization", ""),
        request_id=record.request_id if record else "",
        anthropic={name.decode(): headers[name] for name in ANTHROPIC if name in headers},
        path=scope.get("path_params") or {},
        content_type=scope.get("facade.content_type") or "",
        content=scope.get("facade.body") or b"",
    )


def _response(answer: Json | Text | Empty, headers: Mapping[str, str]) -> Response:
    if isinstance(answer, Json):
        value = answer.value
        body = value if isinstance(value, bytes) else dumps(value)
        return Response(body, answer.status, headers, answer.media_type)
    if isinstance(answer, Text):
        return Response(answer.text, answer.status, headers, answer.media_type)
    return Response(b"", answer.status, headers)
