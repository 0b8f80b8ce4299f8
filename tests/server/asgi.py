"""Plain ASGI calls in process, the middlewares on a real socket, and the routes of the tests."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ollama_facade.clock import Clock
from ollama_facade.config.settings import Settings
from ollama_facade.contract import Operation, operations
from ollama_facade.server.app import middlewares, wrap
from ollama_facade.server.metrics import Metrics
from ollama_facade.server.protocol import HttpProtocol
from ollama_facade.server.queue import QueueMiddleware
from ollama_facade.server.request_head import RequestHead
from ollama_facade.server.request_record import RequestRecord
from ollama_facade.server.request_state import RequestState
from ollama_facade.server.routes import Routes
from ollama_facade.server.shutdown import Shutdown

ROUTES = {
    "/": ["HEAD", "GET"],
    "/api/version": ["HEAD", "GET"],
    "/api/status": ["GET"],
    "/api/tags": ["HEAD", "GET"],
    "/api/ps": ["GET"],
    "/api/show": ["POST"],
    "/api/me": ["POST"],
    "/api/chat": ["POST"],
    "/api/generate": ["POST"],
    "/api/embed": ["POST"],
    "/api/embeddings": ["POST"],
    "/api/delete": ["DELETE"],
    "/api/blobs/{digest}": ["HEAD", "POST"],
    "/v1/models": ["GET"],
    "/v1/models/{model}": ["GET"],
    "/v1/chat/completions": ["POST"],
}

GOLDEN = Path(__file__).parents[1] / "golden" / "data"


def golden(area: str) -> list[dict[str, Any]]:
    """The recorded cases of an area."""
    lines = (GOLDEN / f"{area}.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


@dataclass
class Answer:
    """What an application sent."""

    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    ended: bool = False

    async def send(self, message: Message) -> None:
        """ASGI's `send`."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = [(k.decode(), v.decode("latin-1")) for k, v in message["headers"]]
        else:
            self.body += message.get("body", b"")
            self.ended = not message.get("more_body", False)

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]

    def json(self) -> Any:
        return json.loads(self.body)


CONTRACT = {(one.method.upper(), one.path): one for one in operations()}


def known_operations() -> list[Operation]:
    """The operations of ROUTES, with what the contract says of them."""
    return [
        CONTRACT.get((method, path)) or Operation("", method.lower(), path)
        for path, methods in ROUTES.items()
        for method in methods
    ]


def stack(
    app: ASGIApp,
    operations: Iterable[Operation] = (),
    metrics: Metrics | None = None,
    shutdown: Shutdown | None = None,
    **settings: Any,
) -> ASGIApp:
    """The application within all middlewares, with the routes of the tests and `operations`."""
    routes = Routes((*known_operations(), *operations))
    return wrap(
        app, middlewares(Settings(**settings), Clock(), routes, metrics, shutdown or Shutdown())
    )


def under_way(app: Any) -> int:
    """The requests that a QueueMiddleware among the middlewares counts."""
    while not isinstance(app, QueueMiddleware):
        app = app.app
    return app.under_way


def scope_of(
    method: str = "POST",
    path: str = "/api/chat",
    headers: Mapping[str, str] | None = None,
    routes: Iterable[Operation] | None = None,
) -> Scope:
    """A scope with its state, as RequestStateMiddleware makes it for a middleware behind it."""
    fields = {"Host": "localhost", **(headers or {})}
    scope: Scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(k.lower().encode(), v.encode("latin-1")) for k, v in fields.items()],
    }
    head = RequestHead(scope)
    route = Routes(known_operations() if routes is None else routes).find(path)
    operation = route.operations.get(method) if route else None
    RequestState(head, RequestRecord(method, path, 0), route, operation).attach(scope)
    return scope


async def alone(app: ASGIApp, scope: Scope, body: bytes = b"") -> Answer:
    """One request to a middleware that stands alone."""
    answer, messages = Answer(), [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        if messages:
            return messages.pop()
        await asyncio.Event().wait()
        raise AssertionError

    await app(scope, receive, answer.send)
    return answer


async def call(
    app: ASGIApp,
    method: str = "GET",
    path: str = "/api/version",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> Answer:
    """One request as uvicorn would hand it in; the client stays until it has its answer."""
    raw_path, _, query = path.partition("?")
    fields = {"Host": "localhost:11434", **(headers or {})}
    if body is not None:
        fields.setdefault("Content-Length", str(len(body)))
    scope: Scope = {
        "type": "http",
        "method": method,
        "path": unquote(raw_path),
        "raw_path": raw_path.encode(),
        "query_string": query.encode(),
        "headers": [(k.lower().encode(), v.encode("latin-1")) for k, v in fields.items()],
    }
    answer = Answer()
    done = asyncio.Event()
    waiting = [{"type": "http.request", "body": body or b"", "more_body": False}]

    async def receive() -> Message:
        if waiting:
            return waiting.pop()
        await done.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        await answer.send(message)
        if answer.ended:
            done.set()

    await app(scope, receive, send)
    return answer


def ask(app: ASGIApp, *arguments: Any, **named: Any) -> Answer:
    """`call` in a loop of its own."""
    return asyncio.run(call(app, *arguments, **named))


class Held:
    """An application that answers when it is let go."""

    def __init__(self) -> None:
        self.let_go = asyncio.Event()
        self.entered = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.entered.set()
        await self.let_go.wait()
        await Seen()(scope, receive, send)


class LoggedRequest:
    """A processor of structlog: the line of one request, waited for from another thread."""

    def __init__(self) -> None:
        self._came = threading.Event()
        self._line: dict[str, Any] = {}

    def __call__(self, _logger: object, _name: str, event: dict[str, Any]) -> dict[str, Any]:
        if event["event"] == "request":
            self._line = dict(event)
            self._came.set()
        return event

    def wait(self) -> dict[str, Any]:
        assert self._came.wait(5)
        return {name: self._line[name] for name in ("status", "outcome")}


class Seen:
    """A tiny application: remembers the scopes and bodies it was given, answers one JSON."""

    def __init__(self, body: bytes = b"{}", content_type: bytes = b"application/json") -> None:
        self.scopes: list[Scope] = []
        self.bodies: list[bytes] = []
        self._body = body
        self._content_type = content_type

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        message = await receive()
        self.bodies.append(message["body"])
        headers = [
            (b"content-type", self._content_type),
            (b"content-length", b"%d" % len(self._body)),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": self._body})


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@contextmanager
def served(app: ASGIApp, lifespan: Literal["on", "off"] = "off") -> Iterator[int]:
    """The application behind uvicorn on a port of its own, which it gives."""
    config = uvicorn.Config(
        app,
        http=HttpProtocol,
        ws="none",
        lifespan=lifespan,
        log_config=None,
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        assert server.ready.wait(10)
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(10)
            assert not thread.is_alive()
