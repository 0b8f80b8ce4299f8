"""Connexion's short way (`direct_dispatch.py`) beside the whole one, and what it leans on."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import inspect
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import connexion
import pytest
from connexion import AsyncApp
from connexion.middleware.abstract import RoutedAPI, RoutedMiddleware
from connexion.middleware.context import ContextOperation
from connexion.middleware.main import ConnexionMiddleware
from connexion.middleware.request_validation import RequestValidationOperation
from connexion.middleware.response_validation import ResponseValidationOperation
from connexion.middleware.routing import RoutingMiddleware, RoutingOperation
from connexion.middleware.security import SecurityOperation
from structlog.testing import capture_logs

from ollama_facade import contract
from ollama_facade.clock import Clock
from ollama_facade.config.settings import Settings
from ollama_facade.errors import OllamaError
from ollama_facade.operations.context import Json, RequestContext
from ollama_facade.server.app import connexion_app
from ollama_facade.server.direct_dispatch import DirectDispatch
from ollama_facade.server.door import Door
from ollama_facade.server.routing import routes
from tests.server.asgi import GOLDEN, Answer, call

SOURCES = {
    AsyncApp: "AsyncApp",
    ConnexionMiddleware: "ConnexionMiddleware",
    ContextOperation: "ContextOperation",
    RequestValidationOperation: "RequestValidationOperation",
    ResponseValidationOperation: "ResponseValidationOperation",
    RoutedAPI: "RoutedAPI",
    RoutedMiddleware: "RoutedMiddleware",
    RoutingMiddleware: "RoutingMiddleware",
    RoutingOperation: "RoutingOperation",
    SecurityOperation: "SecurityOperation",
}
"""What the short way stands for. If one of them changes, read what it does now, and see whether
`tuned` still does the same; then give here what `digest` says."""

DIGESTS = {
    "AsyncApp": "29005bf4bfd2acf7",
    "ConnexionMiddleware": "0901bb0e980a503d",
    "ContextOperation": "e6a0d79df818fc45",
    "RequestValidationOperation": "f3752562bfeee28b",
    "ResponseValidationOperation": "cc0f1c4254dc30b9",
    "RoutedAPI": "ef4bfbd18363a825",
    "RoutedMiddleware": "3b1ebaec0c6fb693",
    "RoutingMiddleware": "d423800c21797507",
    "RoutingOperation": "d8bb556a5a81b13c",
    "SecurityOperation": "c019e8a45bcb3a7f",
}


def digest(one: type) -> str:
    return hashlib.sha256(inspect.getsource(one).encode()).hexdigest()[:16]


@pytest.mark.parametrize("one", SOURCES, ids=SOURCES.get)
def test_what_connexion_does_on_its_long_way_is_what_it_did(one: type) -> None:
    assert (one.__name__, digest(one)) == (one.__name__, DIGESTS[one.__name__]), (
        f"Connexion {connexion.__version__} changed {one.__name__}: see SOURCES"
    )


def method(operation: contract.Operation) -> Callable[..., Awaitable[Json]]:
    """Tells what it was given; raises what the name of a model asks for."""

    def told(body: Any, given: RequestContext) -> Json:
        if isinstance(body, dict) and body.get("model") == "refused":
            raise OllamaError(429, "wait <a> minute", headers={"Retry-After": "7"})
        if isinstance(body, dict) and body.get("model") == "bug":
            raise ZeroDivisionError
        given.response_headers["Facade-Dropped"] = "top_k"
        # Starlette gives HEAD to the route of GET; the two operations are one.
        name = operation.id.removeprefix("head_")
        return Json([name, body, dict(given.path), given.authorization, given.user_agent])

    async def with_body(body: Any, call: RequestContext) -> Json:
        return told(body, call)

    async def without_body(call: RequestContext) -> Json:
        return told(None, call)

    return with_body if operation.request else without_body


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[Door, Door]]:
    """The tuned application and the stock one behind a door each."""
    document = contract.document()
    methods = {one.id: method(one) for one in contract.operations()}
    tuned, stock = (connexion_app(document, methods, Clock()) for _ in range(2))
    assert isinstance(tuned, DirectDispatch)
    assert isinstance(stock, DirectDispatch)
    stock._ways = {}
    table = routes(document)
    first, second = (Door(app, Settings(), Clock(), table) for app in (tuned, stock))
    for _ in range(2):  # Connexion builds its stack when it is asked for the first time
        asyncio.run(call(first))
    assert tuned._ways
    with capture_logs():
        yield first, second


def without_ids(answer: Answer) -> list[tuple[str, str]]:
    return sorted(pair for pair in answer.headers if pair[0] != "x-request-id")


def same(both: tuple[Door, Door], *request: Any, **named: Any) -> Answer:
    """The answer of both. Ids are made for each answer anew."""

    async def asked() -> list[Answer]:
        return [await call(app, *request, **named) for app in both]

    first, second = asyncio.run(asked())
    assert (first.status, without_ids(first)) == (second.status, without_ids(second))
    assert without_id(first.body) == without_id(second.body)
    return first


def without_id(body: bytes) -> bytes:
    at = body.find(b'"request_id":')
    return body if at < 0 else body[:at]


def requests() -> Iterator[tuple[str, str]]:
    for one in contract.operations():
        yield one.method.upper(), one.path.replace("{", "a").replace("}", "z")


@pytest.mark.parametrize(("verb", "path"), list(requests()))
@pytest.mark.parametrize(
    "body",
    [
        None,
        b"",
        b"{}",
        b"null",
        b"[1]",
        b"{",
        b'{"model":"refused"}',
        b'{"model":"bug"}',
        b'{"model":5}',
        b'{"MODEL":"m","options":{"seed":"x"}}',
        b'{"model":"m","messages":[{"role":"user","content":"\xff"}],"stream":false}',
    ],
)
def test_an_operation_answers_the_same_on_both_ways(
    both: tuple[Door, Door], verb: str, path: str, body: bytes | None
) -> None:
    headers = {"Authorization": "Bearer x", "User-Agent": "me", "Content-Type": "text/plain"}
    answer = same(both, verb, path, headers, body)
    assert answer.ended
    assert answer.status != 404


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("GET", "/api/chat"),
        ("DELETE", "/api/version"),
        ("HEAD", "/api/status"),
        ("GET", "/nowhere"),
        ("GET", "/api/version?x=1"),
        ("OPTIONS", "/api/chat"),
    ],
)
def test_what_is_no_operation_answers_the_same_on_both_ways(
    both: tuple[Door, Door], verb: str, path: str
) -> None:
    same(both, verb, path)


def recorded() -> list[tuple[str, str, bytes]]:
    found = []
    for file in sorted(GOLDEN.glob("*.jsonl")):
        for line in file.read_text("utf-8").strip().split("\n"):
            request = json.loads(line)["request"]
            if isinstance(body := request.get("body"), dict | list):
                found.append((request["method"], request["path"], json.dumps(body).encode()))
            elif "body_text" in request:
                found.append((request["method"], request["path"], request["body_text"].encode()))
            elif "body_base64" in request:
                body = base64.b64decode(request["body_base64"])
                found.append((request["method"], request["path"], body))
    return found


def test_recorded_requests_answer_the_same_on_both_ways(both: tuple[Door, Door]) -> None:
    asked = recorded()
    assert len(asked) > 600
    assert {same(both, verb, path, {}, body).status for verb, path, body in asked} >= {200, 400}
