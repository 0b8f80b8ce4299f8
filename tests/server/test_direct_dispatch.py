"""The direct dispatch beside Connexion's own, for every operation and recording."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from starlette.types import ASGIApp, Scope
from structlog.testing import capture_logs

from ollama_facade import contract
from ollama_facade.clock import Clock
from ollama_facade.config.settings import Settings
from ollama_facade.errors import OllamaError
from ollama_facade.operations.context import Json, RequestContext
from ollama_facade.server.app import dispatch, middlewares, wrap
from ollama_facade.server.direct_dispatch import BodyValidator, direct_routes
from ollama_facade.server.request_state import RequestState
from ollama_facade.server.routes import Routes
from ollama_facade.server.shutdown import Shutdown
from tests.server.asgi import GOLDEN, Answer, call, scope_of


def method(operation: contract.Operation) -> Callable[..., Awaitable[Json]]:
    """Tells what it was given; raises what the name of a model asks for."""

    def reported(body: Any, given: RequestContext) -> Json:
        if isinstance(body, dict) and body.get("model") == "refused":
            raise OllamaError(429, "wait <a> minute", headers={"Retry-After": "7"})
        if isinstance(body, dict) and body.get("model") == "bug":
            raise ZeroDivisionError
        given.response_headers["Facade-Dropped"] = "top_k"
        # Starlette gives HEAD to the route of GET; the two operations are one.
        name = operation.id.removeprefix("head_")
        return Json([name, body, dict(given.path), given.authorization, given.user_agent])

    async def with_body(body: Any, context: RequestContext) -> Json:
        return reported(body, context)

    async def without_body(context: RequestContext) -> Json:
        return reported(None, context)

    return with_body if operation.request else without_body


Both = tuple[ASGIApp, ASGIApp]


@pytest.fixture(scope="module")
def both() -> Iterator[Both]:
    """The direct dispatch and Connexion alone, each within the middlewares."""
    document = contract.document()
    direct = dispatch(document, {one.id: method(one) for one in contract.operations()}, Clock())
    list_ = middlewares(Settings(), Clock(), Routes(contract.operations()), None, Shutdown())
    with capture_logs():
        yield wrap(direct, list_), wrap(direct.app, list_)


def test_what_needs_nothing_of_connexion_is_dispatched_directly() -> None:
    document, endpoints = (
        contract.document(),
        dict.fromkeys((one.id for one in contract.operations()), Any),
    )
    routes = dict(direct_routes(document, endpoints))  # type: ignore[arg-type]
    left = {(one.method.upper(), one.path) for one in contract.operations()} - routes.keys()
    assert left == {
        ("HEAD", "/api/blobs/{digest}"),
        ("POST", "/api/blobs/{digest}"),
        ("DELETE", "/api/user/keys/{encodedKey}"),
        ("GET", "/v1/models/{model}"),
        ("POST", "/v1/audio/transcriptions"),
    }


def without_ids(answer: Answer) -> list[tuple[str, str]]:
    return sorted(pair for pair in answer.headers if pair[0] != "x-request-id")


def same(both: Both, *request: Any, **named: Any) -> Answer:
    """The answer of both. Ids are made for each answer anew."""

    async def requested() -> list[Answer]:
        return [await call(app, *request, **named) for app in both]

    first, second = asyncio.run(requested())
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
    both: Both, verb: str, path: str, body: bytes | None
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
    both: Both, verb: str, path: str
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


def test_recorded_requests_answer_the_same_on_both_ways(both: Both) -> None:
    requested = recorded()
    assert len(requested) > 600
    assert {same(both, verb, path, {}, body).status for verb, path, body in requested} >= {200, 400}


def validator(schema: dict[str, Any]) -> BodyValidator:
    return BodyValidator(schema=schema, encoding="utf-8", strict_validation=False)


def scope_with_body(body: bytes) -> Scope:
    scope = scope_of(path="/api/show")
    RequestState.of(scope).body = body
    return scope


async def no_message() -> dict[str, Any]:
    raise AssertionError("the body is in the scope; nothing is to be received")


@pytest.mark.anyio
async def test_the_validator_puts_the_checked_body_into_the_state() -> None:
    scope = scope_with_body(b'{"Model":"a"}')
    receive, same = await validator({"x-ollama-struct": "ShowRequest"}).wrap_receive(
        no_message, scope=scope
    )
    assert (receive, same) == (no_message, scope)
    assert RequestState.of(scope).checked == {"model": "a"}


@pytest.mark.anyio
async def test_the_validator_lets_the_error_of_the_body_through() -> None:
    with pytest.raises(OllamaError, match="missing request body"):
        await validator({"x-ollama-struct": "ShowRequest"}).wrap_receive(
            no_message, scope=scope_with_body(b"")
        )


@pytest.mark.anyio
async def test_an_operation_without_a_schema_of_a_body_is_left_alone() -> None:
    scope = scope_with_body(b"bytes of a blob")
    await validator({"type": "string", "format": "binary"}).wrap_receive(no_message, scope=scope)
    assert RequestState.of(scope).checked is None
