"""What the middlewares and the endpoint share about one request: `scope["facade"]`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from starlette.types import Scope, Send

from ollama_facade.contract import ErrorForm, Operation
from ollama_facade.errors import OllamaError
from ollama_facade.server.error_responses import Headers, send_error, send_response
from ollama_facade.server.request_head import RequestHead
from ollama_facade.server.request_record import RequestRecord
from ollama_facade.server.response_writer import ResponseWriter
from ollama_facade.server.routes import Route

_KEY = "facade"


class Watcher(Protocol):
    """Cancels the call when the client leaves or the service stops (`DisconnectWatcher`)."""

    gone: bool

    def stop(self) -> None:
        """Cancels the call, which then reports that the service stops."""

    def take_stop(self) -> bool:
        """Whether the cancellation that just came is that of `stop`; undoes it then, once."""


@dataclass(slots=True)
class RequestState:
    """One request. Each middleware fills in what it finds out."""

    head: RequestHead
    record: RequestRecord

    route: Route | None = None
    operation: Operation | None = None
    """None where there is no route, or the route does not have the method."""

    response_headers: Headers = field(default_factory=list)
    """Headers that `writer` adds to the response."""

    writer: ResponseWriter | None = None
    """None where a middleware stands alone, until one of them needs it."""

    body: bytes = b""
    """The whole body, decompressed; empty where it stays unread."""

    is_body_unread: bool = False
    """Whether nobody may ask for the body."""

    checked: dict[str, Any] | None = None
    """The body as the contract's decoder returns it."""

    watcher: Watcher | None = None

    @classmethod
    def of(cls, scope: Scope) -> RequestState:
        """Returns the state of a request; makes one where no middleware before did."""
        state: RequestState | None = scope.get(_KEY)
        if state is None:
            head = RequestHead(scope)
            state = cls(head, RequestRecord(head.method, head.target, 0, head.request_id))
            state.attach(scope)
        return state

    def attach(self, scope: Scope) -> None:
        """Makes this the state of the request."""
        scope[_KEY] = self

    def writing(self, send: Send) -> tuple[ResponseWriter, Send]:
        """Returns the writer of the response, and the `send` for the application."""
        if self.writer is not None:
            return self.writer, send
        self.writer = ResponseWriter(send, self.record, None, self.response_headers)
        return self.writer, self.writer.send

    @property
    def client_gone(self) -> bool:
        """Whether the client left before the response was complete."""
        return self.watcher is not None and self.watcher.gone

    @property
    def error_form(self) -> ErrorForm:
        """The form in which clients of the route read errors."""
        return self.operation.errors if self.operation is not None else "ollama"

    @property
    def allow(self) -> Headers:
        """The header `Allow` where the route does not have the method, else nothing."""
        if self.route is None or self.operation is not None:
            return []
        return [(b"allow", self.route.allow)]

    def close_connection(self) -> None:
        """Ends the connection with the response, because the request's body is not read."""
        if self.writer is not None:
            self.writer.close_after()

    async def respond_early(
        self,
        send: Send,
        status: int,
        headers: Iterable[tuple[bytes, bytes]] = (),
        body: bytes = b"",
    ) -> None:
        """Sends a whole response before the body of the request was read."""
        if self.head.costs_connection:
            self.close_connection()
        await send_response(send, status, headers, body)

    async def refuse_early(self, send: Send, error: OllamaError) -> None:
        """Sends an error before the body of the request was read."""
        if self.head.costs_connection:
            self.close_connection()
        await send_error(send, error, self.error_form)
