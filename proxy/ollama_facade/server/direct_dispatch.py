"""Dispatches a request to its endpoint: at once where the contract allows it, else by Connexion.

Connexion takes a request through eight middlewares, three of which look up the operation again, and
makes the validators of its body anew: 250 µs. What comes of it is the same each time for an
operation without parameters: the decoder of its body, then its endpoint. DirectDispatch reads both
from the contract and calls them. Everything else (parameters in the path, a body that is not JSON,
a path or method that is not there) goes through Connexion.

tests/server/test_direct_dispatch.py compares both ways for every operation and recording.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, NamedTuple

import connexion
from connexion import AsyncApp
from connexion.exceptions import ProblemException
from connexion.lifecycle import ConnexionRequest, ConnexionResponse
from connexion.options import SwaggerUIOptions
from connexion.resolver import Resolver
from connexion.validators import AbstractRequestBodyValidator
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ollama_facade import contract
from ollama_facade.contract.decoder import Decoder, decoder
from ollama_facade.errors import ContractError, OllamaError
from ollama_facade.golang.encode import dumps
from ollama_facade.golang.scanner import MISSING
from ollama_facade.server.endpoint import Endpoint
from ollama_facade.server.error_responses import (
    MEDIA_TYPE,
    as_ollama_error,
    error_object,
    error_response,
)
from ollama_facade.server.request_state import RequestState


class Route(NamedTuple):
    """What answers one operation without parameters."""

    decoder: Decoder | None
    endpoint: Endpoint


class DirectDispatch:
    """Calls the route of a method and path, and `app` where there is none."""

    def __init__(self, app: ASGIApp, routes: Mapping[tuple[str, str], Route]) -> None:
        self.app = app
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        route = None
        if scope["type"] == "http":
            route = self._routes.get((scope["method"], scope["path"]))
        if route is None:
            await self.app(scope, receive, send)
            return
        state = RequestState.of(scope)
        try:
            if route.decoder is not None:
                decode_body(state, route.decoder)
            response = await route.endpoint(scope)
        except Exception as error:  # noqa: BLE001 - as Connexion's handler of Exception
            response = error_response(as_ollama_error(error), state.error_form)
        await response(scope, receive, send)


def direct_routes(
    document: Mapping[str, Any], endpoints: Mapping[str, Endpoint]
) -> Iterator[tuple[tuple[str, str], Route]]:
    """Returns method and path of each operation that needs nothing of Connexion, and its route."""
    for operation in contract.operations(document):
        definition = operation.definition
        parameters = definition.get("parameters") or document["paths"][operation.path].get(
            "parameters"
        )
        if "{" in operation.path or parameters or definition.get("security"):
            continue
        if "requestBody" in definition and operation.request is None:
            continue  # a body that is not JSON
        body = decoder(operation.request) if operation.request else None
        yield (operation.method.upper(), operation.path), Route(body, endpoints[operation.id])


def decode_body(state: RequestState, body_decoder: Decoder) -> None:
    """Sets `checked` to the decoded body. Raises OllamaError."""
    try:
        state.checked = body_decoder.decode(state.body)
    except OllamaError as error:
        if error.message == MISSING and state.error_form != "ollama":
            # Ollama's translators read the body before it looks whether there is one.
            raise OllamaError(400, "EOF") from None
        raise


class BodyValidator(AbstractRequestBodyValidator):  # type: ignore[misc] # it has no types
    """Decodes the body as `decode_body` does, for Connexion's `validator_map`.

    An OllamaError goes up to the application's error handler.
    """

    def __init__(self, *, schema: dict[str, Any], **options: Any) -> None:
        super().__init__(schema=schema, **options)
        name = schema.get("x-ollama-component") or schema.get("x-ollama-struct")
        self._decoder = decoder(name) if name else None

    async def wrap_receive(self, receive: Receive, *, scope: Scope) -> tuple[Receive, Scope]:
        """Decodes the body. The channel and the scope are passed on as they are."""
        if self._decoder is not None:
            decode_body(RequestState.of(scope), self._decoder)
        return receive, scope


def connexion_app(
    document: Mapping[str, Any],
    endpoints: Mapping[str, Endpoint],
    lifespan: Callable[[Any], Any] | None = None,
) -> AsyncApp:
    """Returns Connexion over `document`, with an endpoint for every operationId.

    Raises ContractError for an operation without one.
    """
    for operation in contract.operations(document):
        if operation.id not in endpoints:
            raise ContractError(f"no method for the operation {operation.id!r}")

    def resolve(operation_id: str) -> Callable[..., Awaitable[Response]]:
        return _connexion_function(endpoints[operation_id])

    no_pages = SwaggerUIOptions(serve_spec=False, swagger_ui=False)
    app = AsyncApp("ollama_facade", lifespan=lifespan, swagger_ui_options=no_pages)
    app.add_api(
        # KeyMiddleware asks for keys, before anything else is looked at.
        {key: value for key, value in document.items() if key != "security"},
        resolver=Resolver(resolve),
        validator_map={"body": {"application/json": BodyValidator}},
    )
    for kind in (OllamaError, ProblemException, HTTPException, Exception):
        app.add_error_handler(kind, _on_error)
    return app


def _connexion_function(endpoint: Endpoint) -> Callable[..., Awaitable[Response]]:
    async def function(**_path: object) -> Response:
        return await endpoint(connexion.request.scope)

    # Connexion passes path parameters always, and reads the body for a function that takes any.
    function.__signature__ = inspect.Signature()  # type: ignore[attr-defined]
    return function


async def _on_error(request: ConnexionRequest, error: Exception) -> ConnexionResponse:
    if isinstance(error, ProblemException):
        error = OllamaError(error.status, str(error.detail), headers=dict(error.headers or {}))
    elif isinstance(error, HTTPException):
        error = OllamaError(error.status_code, str(error.detail), headers=dict(error.headers or {}))
    refusal = as_ollama_error(error)
    form = RequestState.of(request.scope).error_form
    return ConnexionResponse(
        status_code=refusal.status,
        mimetype="application/json",
        content_type=MEDIA_TYPE,
        body=dumps(error_object(refusal, form)),
        headers=dict(refusal.headers),
    )
