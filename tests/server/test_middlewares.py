"""All middlewares together: recordings of the areas http, cors and host, then odd requests."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from tests.raw import RawClient, request_bytes
from tests.server.asgi import (
    Seen,
    ask,
    golden,
    served,
    stack,
    under_way,
)

MATTERS = ("content-type", "allow", "location", "vary", "access-control-")


ORIGINS = "OLLAMA_ORIGINS="


CHAT = {"Host": "localhost"}


def settings_of(case: dict[str, Any]) -> dict[str, Any]:
    """The settings under which a case was recorded: its note says so."""
    note = case.get("note", "")
    if "listens on 0.0.0.0" in note:
        return {"host": "0.0.0.0", "origins": ("*",)}
    if ORIGINS in note:
        return {"origins": tuple(note.partition(ORIGINS)[2].split(","))}
    return {}


def recorded_body(response: dict[str, Any]) -> bytes:
    if "lines" in response:
        return "".join(f"{line}\n" for line in response["lines"]).encode()
    return response["body"].encode()


def headers_that_matter(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return sorted((k.lower(), v) for k, v in pairs if k.lower().startswith(MATTERS))


def recorded_headers(response: dict[str, Any]) -> list[tuple[str, str]]:
    pairs = []
    for name, value in response["headers"].items():
        pairs += [(name, one) for one in (value if isinstance(value, list) else [value])]
    return pairs


@pytest.mark.parametrize(
    "case",
    [case for area in ("http", "cors", "host") for case in golden(area)],
    ids=lambda case: case["name"],
)
def test_a_recording_of_the_real_server_is_repeated(case: dict[str, Any]) -> None:
    request, response = case["request"], case["response"]
    recorded = recorded_body(response)
    content_type = response["headers"].get("Content-Type", "").encode()
    app = Seen(recorded, content_type)
    body = json.dumps(request["body"]).encode() if "body" in request else None
    got = ask(
        stack(app, **settings_of(case)),
        request["method"],
        request["path"],
        request["headers"],
        body,
    )
    assert got.status == response["status"]
    assert headers_that_matter(got.headers) == headers_that_matter(recorded_headers(response))
    assert got.body == recorded
    assert got.ended
    assert bool(app.scopes) is (response["status"] == 200)


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    (
        ("OPTIONS", "/api/tags", {}, 204),
        ("OPTIONS", "/nope", {}, 204),
        ("OPTIONS", "/api/tags", {"Host": "10.1.2.3"}, 405),
        ("OPTIONS", "*", {}, 200),
        ("OPTIONS", "/api/tags", {"Host": "evil.example"}, 403),
        ("PUT", "/api/tags", {}, 405),
        ("TRACE", "/api/tags", {}, 405),
        ("CONNECT", "box:443", {}, 404),
        ("GET", "http://localhost:11434/api/tags", {"Host": "evil.example"}, 200),
        ("GET", "http://evil.example/api/tags", {}, 403),
        ("GET", "/api%2Ftags", {}, 200),
        ("GET", "/api/%2e%2e/api/tags", {}, 404),
        ("GET", "/API/tags", {}, 404),
        ("GET", "/api/%zz", {}, 400),
        ("GET", "api/tags", {}, 400),
        ("GET", "/api/tags", {"Host": ""}, 403),
        ("GET", "//nope", {"Host": "evil.example"}, 307),
    ),
)
def test_a_request_of_an_odd_form_has_its_answer(
    method: str, path: str, headers: dict[str, str], status: int
) -> None:
    assert ask(stack(Seen()), method, path, headers).status == status


def test_an_allowed_options_request_without_origin_lists_the_methods_of_the_path() -> None:
    got = ask(stack(Seen()), "OPTIONS", "/api/blobs/x")
    assert (got.status, got.values("allow")) == (204, ["HEAD, POST"])
    assert got.values("content-length") == []


def test_two_hosts_are_no_host() -> None:
    async def twice() -> int:
        statuses = []

        async def send(message: Message) -> None:
            statuses.append(message.get("status"))

        async def receive() -> Message:
            return {"type": "http.disconnect"}

        scope = {
            "type": "http",
            "method": "GET",
            "path": "/api/tags",
            "headers": [(b"host", b"localhost"), (b"host", b"localhost")],
        }
        await stack(Seen())(scope, receive, send)
        return statuses[0]

    assert asyncio.run(twice()) == 403


def test_a_request_has_an_id_its_own_when_it_is_short_and_plain_or_one_that_is_made() -> None:
    made = [ask(stack(Seen())).values("x-request-id") for _ in range(2)]
    assert [len(one) for (one,) in made] == [16, 16]
    assert made[0] != made[1]
    for path in ("/api/version", "/nope"):
        assert ask(stack(Seen()), "GET", path, {"X-Request-ID": "a-1"}).values("x-request-id") == [
            "a-1"
        ]
    for bad in ("x" * 129, "", "a\tb", "\xe4"):
        [(other)] = ask(stack(Seen()), headers={"X-Request-ID": bad}).values("x-request-id")
        assert len(other) == 16


def test_the_lifespan_goes_through() -> None:
    seen = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    async def nothing(*_: object) -> Any:
        raise AssertionError

    asyncio.run(stack(app)({"type": "lifespan"}, nothing, nothing))
    assert seen == ["lifespan"]


def test_after_any_of_it_the_next_request_works() -> None:
    app = Seen()
    wrapped = stack(app, max_body=10, body_timeout=0.1, max_queue=1)
    with served(wrapped) as port:
        for data in (b"x" * 100, b"{"):
            with socket.create_connection(("127.0.0.1", port)) as connection:
                length = max(len(data), 5)
                connection.sendall(
                    request_bytes("POST", "/api/chat", {**CHAT, "Content-Length": str(length)})
                    + data
                )
                assert connection.recv(100)
            with RawClient("127.0.0.1", port) as client:
                client.send(request_bytes("POST", "/api/chat", CHAT, b"{}"))
                assert client.read_answer().status == 200
    assert under_way(wrapped) == 0
