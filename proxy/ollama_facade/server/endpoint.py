"""From a checked request to a handler of `operations`, and from its result to a response."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping

from starlette.responses import Response
from starlette.types import Scope

from ollama_facade.clock import Clock
from ollama_facade.errors import OllamaError
from ollama_facade.golang.encode import dumps
from ollama_facade.operations import Handler
from ollama_facade.operations.context import (
    Empty,
    Json,
    NdjsonStream,
    RequestContext,
    SseStream,
    Text,
)
from ollama_facade.server.error_responses import error_response
from ollama_facade.server.request_state import RequestState
from ollama_facade.server.shutdown import ShutdownGuard
from ollama_facade.server.streaming_responses import begin_stream

ANTHROPIC_HEADERS = (b"anthropic-beta", b"anthropic-version")
_HANDLER_HEADERS = frozenset((b"user-agent", b"authorization", *ANTHROPIC_HEADERS))
"""Headers of a request that a handler may see."""

Endpoint = Callable[[Scope], Awaitable[Response]]


def make_endpoint(handler: Handler, clock: Clock) -> Endpoint:
    """Returns the function that answers one request by `handler`."""
    takes_body = "body" in inspect.signature(handler).parameters

    async def endpoint(scope: Scope) -> Response:
        state = RequestState.of(scope)
        context = _context(scope, state, clock)
        body = state.checked or {}
        model = body.get("model") or body.get("name")
        # An operation that does not have the field has not had it checked.
        state.record.context, state.record.model = context, model if isinstance(model, str) else ""
        media_type = "application/json; charset=utf-8"
        try:
            with ShutdownGuard(state):
                result = await (handler(body, context) if takes_body else handler(context))
                if isinstance(result, NdjsonStream | SseStream):
                    media_type = "application/json"
                    return await begin_stream(result, context.response_headers)
        except OllamaError as error:
            state.record.note_failure(error)
            # Without charset where a stream was to begin (inference.md §4.3).
            return error_response(error, state.error_form, context.response_headers, media_type)
        return _response(result, context.response_headers)

    return endpoint


def _context(scope: Scope, state: RequestState, clock: Clock) -> RequestContext:
    headers = {
        name: value.decode("latin-1")
        for name, value in scope["headers"]
        if name in _HANDLER_HEADERS
    }
    return RequestContext(
        started=state.record.started or clock.monotonic(),
        user_agent=headers.get(b"user-agent", ""),
        authorization=headers.get(b"authorization", ""),
        request_id=state.record.request_id,
        anthropic={name.decode(): headers[name] for name in ANTHROPIC_HEADERS if name in headers},
        path=scope.get("path_params") or {},
        content_type=state.head.content_type,
        content=state.body,
    )


def _response(result: Json | Text | Empty, headers: Mapping[str, str]) -> Response:
    if isinstance(result, Json):
        value = result.value
        body = value if isinstance(value, bytes) else dumps(value)
        return Response(body, result.status, headers, result.media_type)
    if isinstance(result, Text):
        return Response(result.text, result.status, headers, result.media_type)
    return Response(b"", result.status, headers)
