"""The key that the operator asks of clients (faults.md row 40)."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from pydantic import SecretStr

from ollama_facade import contract
from ollama_facade.contract import Operation
from ollama_facade.server.health import HealthEndpoints, operations_of
from ollama_facade.server.keys import KeyMiddleware, KeyPolicy, presented_key, with_bearer_token
from ollama_facade.server.metrics import Metrics
from tests.server.asgi import Seen, alone, ask, call, scope_of, stack

KEYS = (SecretStr("first-key"), SecretStr("second-key"))
UNAUTHORIZED = b'{"error":"unauthorized"}'


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/api/tags", {"Authorization": "Bearer first-key"}, 200),
        ("/api/tags", {"Authorization": "Bearer second-key"}, 200),
        ("/api/tags", {"Authorization": "bearer   first-key "}, 200),
        ("/api/tags", {}, 401),
        ("/api/tags", {"Authorization": "Bearer third-key"}, 401),
        ("/api/tags", {"Authorization": "Bearer first-key2"}, 401),
        ("/api/tags", {"Authorization": "Bearer first-ke"}, 401),
        ("/api/tags", {"Authorization": "Bearer "}, 401),
        ("/api/tags", {"Authorization": "Bearer"}, 401),
        ("/api/tags", {"Authorization": "first-key"}, 401),
        ("/api/tags", {"Authorization": "Basic first-key"}, 401),
        ("/api/tags", {"Authorization": "Bearer \xe9\xff"}, 401),
        ("/api/tags", {"X-Api-Key": "first-key"}, 401),
        ("/api/version", {}, 401),
        ("/", {}, 200),
    ],
)
def test_every_route_but_the_greeting_needs_a_key(
    path: str, headers: dict[str, str], status: int
) -> None:
    app = Seen()
    answer = ask(stack(app, api_keys=KEYS), "GET", path, headers)
    assert answer.status == status
    assert len(app.scopes) == (status == 200)
    if status == 401:
        assert answer.body == UNAUTHORIZED
        assert answer.values("content-type") == ["application/json; charset=utf-8"]


def test_no_key_is_asked_for_unless_the_operator_names_some() -> None:
    assert ask(stack(Seen()), "GET", "/api/tags", {"Authorization": "Bearer any"}).status == 200


def operation(path: str) -> Operation:
    health = HealthEndpoints(cast("Any", None), Metrics()).endpoints()
    known = [*contract.operations(), *operations_of(health)]
    return next(one for one in known if one.path == path)


@pytest.mark.parametrize("path", ("/healthz", "/readyz", "/"))
def test_what_says_that_the_service_is_well_needs_none(path: str) -> None:
    assert KeyPolicy(KEYS).refusal(operation(path), []) is None


@pytest.mark.parametrize(
    ("path", "key"),
    (("/v1/messages", b"first-key"), ("/v1/models", b"first-key"), ("/api/chat", b"")),
)
def test_clients_of_anthropics_api_send_theirs_in_another_header(path: str, key: bytes) -> None:
    headers = [(b"x-api-key", b"first-key")]
    assert presented_key(headers, operation(path).key_header) == key
    assert (KeyPolicy(KEYS).refusal(operation(path), headers) is None) == bool(key)


def test_the_application_finds_either_key_in_one_place() -> None:
    other = [(b"x-api-key", b"k")]
    assert with_bearer_token(other, "x-api-key")[-1] == (b"authorization", b"Bearer k")
    assert with_bearer_token(other, "") == other
    bearer = [(b"authorization", b"Bearer a"), *other]
    assert with_bearer_token(bearer, "x-api-key") == bearer


@pytest.mark.parametrize(("key", "status"), (("Bearer first-key", 200), ("Bearer x", 401)))
def test_alone_it_lets_those_with_a_key_through(key: str, status: int) -> None:
    app = KeyMiddleware(Seen(), KEYS)
    scope = scope_of(headers={"Authorization": key})
    assert asyncio.run(alone(app, scope)).status == status


def test_a_request_without_a_key_is_refused_before_its_body_is_read() -> None:
    async def unread() -> tuple[int, int]:
        reads = 0
        statuses: list[int] = []

        async def receive() -> dict[str, Any]:
            nonlocal reads
            reads += 1
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])
                assert reads == 0

        headers = [(b"host", b"localhost"), (b"content-length", b"99999999999")]
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/api/chat",
            "raw_path": b"/api/chat",
            "query_string": b"",
            "headers": headers,
        }
        await stack(Seen(), api_keys=KEYS)(scope, receive, send)
        return statuses[0], len(statuses)

    assert asyncio.run(unread()) == (401, 1)


def test_a_browser_may_ask_whether_it_may_ask_and_can_read_the_refusal() -> None:
    async def both() -> list[Any]:
        app = stack(Seen(), api_keys=KEYS)
        origin = {"Origin": "http://localhost:3000"}
        preflight = {**origin, "Access-Control-Request-Method": "POST"}
        return [
            await call(app, "OPTIONS", "/api/chat", preflight),
            await call(app, "GET", "/api/tags", origin),
        ]

    requested, refused = asyncio.run(both())
    assert requested.status == 204
    assert refused.status == 401
    assert refused.values("access-control-allow-origin")


def test_a_wrong_host_is_refused_whoever_has_a_key() -> None:
    headers = {"Host": "evil.example", "Authorization": "Bearer first-key"}
    assert ask(stack(Seen(), api_keys=KEYS), "GET", "/api/tags", headers).status == 403
