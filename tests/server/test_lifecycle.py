"""Bugs of the application: every response gets an end."""

from __future__ import annotations

import asyncio

import pytest
import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ollama_facade.clock import Clock
from ollama_facade.errors import OllamaError
from ollama_facade.server import response_writer
from ollama_facade.server.lifecycle import RequestStateMiddleware, ServerErrorMiddleware
from ollama_facade.server.request_state import RequestState
from ollama_facade.server.routes import Routes
from tests.raw import RawClient, request_bytes
from tests.server.asgi import (
    Seen,
    alone,
    ask,
    known_operations,
    scope_of,
    served,
    stack,
)

CHAT = {"Host": "localhost"}


START: Message = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/x-ndjson")],
}


LINE: Message = {"type": "http.response.body", "body": b'{"a":1}\n', "more_body": True}


def _breaks(*messages: Message, error: Exception | None = None) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)
        if error is not None:
            raise error

    return app


@pytest.mark.parametrize("error", (ValueError("secret"), None))
def test_a_bug_before_the_answer_is_a_500_and_one_traceback(error: Exception | None) -> None:
    with structlog.testing.capture_logs() as logs:
        got = ask(
            stack(_breaks(error=error)),
            "POST",
            "/api/show",
            {"Origin": "http://localhost:3000"},
            b"{}",
        )
    assert (got.status, got.body) == (500, b'{"error":"internal server error"}')
    assert got.values("content-type") == ["application/json; charset=utf-8"]
    assert got.values("access-control-allow-origin") == ["http://localhost:3000"]
    assert [entry.get("exc_info", False) for entry in logs] == [error is not None, False]
    assert logs[-1]["outcome"] == "internal_error"


@pytest.mark.parametrize("error", (ValueError("secret"), OllamaError(502, "gone"), None))
def test_a_bug_in_a_stream_is_a_line_and_the_end(error: Exception | None) -> None:
    got = ask(stack(_breaks(START, LINE, error=error)), "POST", "/api/chat", CHAT, b"{}")
    assert got.body == b'{"a":1}\n{"error":"internal server error"}\n'
    assert got.ended


def test_an_answer_of_another_kind_that_breaks_off_is_cut() -> None:
    start = {"type": "http.response.start", "status": 200, "headers": []}
    app = _breaks(start, LINE, error=ValueError("secret"))
    with served(stack(app)) as port, RawClient("127.0.0.1", port) as client:
        client.send(request_bytes("POST", "/api/show", CHAT, b"{}"))
        try:
            cut = client.read_answer().cut
        except ConnectionResetError:
            cut = True
        assert cut
    with pytest.raises(response_writer.CutError):
        ask(stack(app), "POST", "/api/show", CHAT, b"{}")


def test_a_bug_after_the_end_changes_nothing() -> None:
    end = {"type": "http.response.body", "body": b"", "more_body": False}
    got = ask(
        stack(_breaks(START, LINE, end, error=ValueError())), "POST", "/api/chat", CHAT, b"{}"
    )
    assert (got.body, got.ended) == (b'{"a":1}\n', True)


def test_an_error_that_comes_as_far__answered() -> None:
    error = OllamaError(
        401, "unauthorized", headers={"Retry-After": "3"}, fields={"signin_url": "https://x/?a&b"}
    )
    got = ask(stack(_breaks(error=error)), "POST", "/api/chat", CHAT, b"{}")
    assert got.status == 401
    assert got.values("retry-after") == ["3"]
    assert got.body == b'{"error":"unauthorized","signin_url":"https://x/?a\\u0026b"}'


# Alone


def test_alone_the_outermost_makes_the_state_and_logs_the_request() -> None:
    app = Seen(b"ok")
    alone_ = RequestStateMiddleware(app, Clock(), Routes(known_operations()), 1.0)
    with structlog.testing.capture_logs() as logs:
        got = ask(alone_, "GET", "/api/version")
    state = RequestState.of(app.scopes[0])
    assert state.operation is not None
    assert (state.operation.id, state.record.route, got.status) == ("version", "/api/version", 200)
    assert [(line["event"], line["status"], line["bytes"]) for line in logs] == [
        ("request", 200, 2)
    ]


@pytest.mark.parametrize(
    ("error", "status"), ((OllamaError(404, "no"), 404), (ValueError(), 500), (None, 500))
)
def test_alone_the_innermost_answers_what_is_raised(error: Exception | None, status: int) -> None:
    got = asyncio.run(alone(ServerErrorMiddleware(_breaks(error=error)), scope_of()))
    assert (got.status, got.ended) == (status, True)
