"""Connexion, with what it would work out for every request worked out once.

Connexion takes a request through eight middlewares, three of which look up the operation again, and
makes the validators of its body anew: 250 µs. What comes of it is the same each time for an
operation that takes no parameters: this validator, then this function. So those two are asked of
Connexion when it has built its stack, and kept by method and path. Everything else (parameters in
the path, a path or method that is not there) goes the whole way.

tests/server/test_direct_dispatch.py compares both ways for every operation and
recording, and fails when Connexion changes what is left out here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any, NamedTuple

from connexion import AsyncApp
from connexion.context import _scope as current
from connexion.middleware.request_validation import RequestValidationMiddleware
from connexion.validators import AbstractRequestBodyValidator
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

MIME_TYPE = "application/json"


class Route(NamedTuple):
    """What Connexion does for one operation."""

    validator: AbstractRequestBodyValidator | None
    function: Callable[[], Awaitable[Response]]


class DirectDispatch(AsyncApp):  # type: ignore[misc] # it has no types
    """An AsyncApp whose operations return responses of Starlette.

    `failed` makes the response to an exception, as the error handlers do. It is used for what an
    operation raises before its response is there; what is raised later goes up.
    """

    def __init__(
        self, name: str, *, failed: Callable[[Exception, str], Response], **options: Any
    ) -> None:
        super().__init__(name, **options)
        self._failed = failed
        self._ways: dict[tuple[str, str], Route] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if self._ways is None and self.middleware.middleware_stack is not None:
            self._ways = dict(_ways(self.middleware.middleware_stack))
        way = None
        if self._ways and scope["type"] == "http":
            way = self._ways.get((scope["method"], scope["path"]))
        if way is None:
            await super().__call__(scope, receive, send)
            return
        current.set(scope)
        try:
            if way.validator is not None:
                receive, scope = await way.validator.wrap_receive(receive, scope=scope)
            response = await way.function()
        except Exception as error:  # noqa: BLE001 - as the handler of Exception would
            response = self._failed(error, scope["path"])
        await response(scope, receive, send)


def _ways(stack: Any) -> Iterator[tuple[tuple[str, str], Route]]:
    for middleware in stack:
        if not isinstance(middleware, RequestValidationMiddleware):
            continue
        for base_path, apis in middleware.apis.items():
            for validation in (one for api in apis for one in api.operations.values()):
                operation = validation._operation  # noqa: SLF001 - it keeps it for itself
                path = base_path + operation.path
                if "{" in path or operation.parameters or operation.security:
                    continue
                schema = operation.body_schema(MIME_TYPE)
                if bool(operation.request_body) != bool(schema):
                    continue  # a body that is not JSON
                yield (
                    (operation.method.upper(), path),
                    Route(_validator(validation, schema) if schema else None, operation.function),
                )


def _validator(validation: Any, schema: dict[str, Any]) -> AbstractRequestBodyValidator:
    operation = validation._operation  # noqa: SLF001
    return validation._validator_map["body"][MIME_TYPE](  # noqa: SLF001
        schema=schema,
        required=operation.request_body.get("required", False),
        nullable=False,
        encoding="utf-8",
        strict_validation=validation.strict_validation,
        uri_parser=None,
    )
