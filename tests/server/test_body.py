"""The body: its limit, its deadline, and what becomes of a compressed one."""

from __future__ import annotations

import asyncio
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_facade.errors import OllamaError
from ollama_facade.server.body import MAX_DECOMPRESSED_BYTES, BodyMiddleware, decompress
from ollama_facade.server.error_responses import DECOMPRESSED_TOO_LARGE, DECOMPRESSION_FAILED
from ollama_facade.server.request_state import RequestState
from tests.raw import RawClient, request_bytes
from tests.server.asgi import (
    Seen,
    alone,
    ask,
    scope_of,
    served,
    stack,
)

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CHAT = {"Host": "localhost"}


@pytest.mark.parametrize(
    "content_type",
    (
        None,
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=utf-16",
        "multipart/form-data; boundary=x",
    ),
)
def test_the_application_sees_json_of_a_known_length_whatever_the_client_sent(
    content_type: str | None,
) -> None:
    app = Seen()
    body = b'{"model":"gen"}'
    headers = {"Content-Type": content_type} if content_type else {}
    ask(stack(app), "POST", "/api/show", {**headers, "User-Agent": "curl"}, body)
    scope = app.scopes[0]
    assert scope["headers"] == [
        (b"host", b"localhost:11434"),
        (b"user-agent", b"curl"),
        (b"content-type", b"application/json"),
        (b"content-length", b"15"),
    ]
    state = RequestState.of(scope)
    assert state.body == app.bodies[0] == body
    assert state.record.started


@pytest.mark.parametrize("method", ("GET", "HEAD"))
def test_a_request_without_a_body_is_given_an_empty_one(method: str) -> None:
    app = Seen(b"hello")
    got = ask(stack(app), method, "/api/tags", {"Content-Type": "application/json"})
    assert app.bodies == [b""]
    assert b"content-type" not in dict(app.scopes[0]["headers"])
    assert got.body == (b"hello" if method == "GET" else b"")
    assert got.values("content-length") == ["5"]


def test_a_body_that_says_it_is_too_long_is_not_read() -> None:
    app = Seen()
    with served(stack(app, max_body=10)) as port, RawClient("127.0.0.1", port) as client:
        client.send(request_bytes("POST", "/api/chat", {**CHAT, "Content-Length": "10000000000"}))
        got = client.read_answer()
        assert (got.status, got.text) == (413, '{"error":"request body too large"}')
        assert got.header("content-type") == "application/json; charset=utf-8"
        client.shutdown()
        assert client.file.read() == b""
    assert app.scopes == []


def test_a_chunked_body_is_refused_when_it_passes_the_limit() -> None:
    app = Seen()
    head = request_bytes("POST", "/api/chat", {**CHAT, "Transfer-Encoding": "chunked"})
    with served(stack(app, max_body=10)) as port, RawClient("127.0.0.1", port) as client:
        client.send(head + b"a\r\n0123456789\r\n")
        client.send(b"1\r\nx\r\n")
        got = client.read_answer()
        assert (got.status, got.text) == (413, '{"error":"request body too large"}')
        client.shutdown()
        assert client.file.read() == b""
    assert app.scopes == []


def test_a_chunked_body_of_the_very_limit_is_read() -> None:
    app = Seen()
    head = request_bytes("POST", "/api/chat", {**CHAT, "Transfer-Encoding": "chunked"})
    with served(stack(app, max_body=10)) as port, RawClient("127.0.0.1", port) as client:
        client.send(head + b"5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n")
        assert client.read_answer().status == 200
        client.send(request_bytes("GET", "/api/version"))
        assert client.read_answer("GET").status == 200
    assert app.bodies == [b"0123456789", b""]


def test_a_client_that_floods_gets_its_refusal_and_not_a_reset() -> None:
    with served(stack(Seen(), max_body=1000)) as port, RawClient("127.0.0.1", port) as client:
        head = request_bytes("POST", "/api/chat", {**CHAT, "Content-Length": "3000000"})
        client.send(head + b"x" * 3_000_000)
        assert client.read_answer().status == 413


def test_a_slow_body_is_timed_out() -> None:
    app = Seen()
    with (
        served(stack(app, body_timeout=0.1)) as port,
        RawClient("127.0.0.1", port) as client,
    ):
        client.send(request_bytes("POST", "/api/chat", {**CHAT, "Content-Length": "100"}) + b"{")
        got = client.read_answer()
        assert (got.status, got.text) == (408, '{"error":"request body timed out"}')
        client.shutdown()
        assert client.file.read() == b""
    assert app.scopes == []


def test_a_request_with_two_ends_is_refused_and_nothing_after_it_is_read() -> None:
    app = Seen()
    both = {**CHAT, "Content-Length": "5", "Transfer-Encoding": "chunked"}
    smuggled = request_bytes("GET", "/api/tags")
    with served(stack(app)) as port, RawClient("127.0.0.1", port) as client:
        client.send(request_bytes("POST", "/api/chat", both) + b"0\r\n\r\n" + smuggled)
        got = client.read_answer()
        assert got.status == 400
        assert got.json() == {"error": "request has both Content-Length and Transfer-Encoding"}
        client.shutdown()
        assert client.file.read() == b""
    assert app.scopes == []


def test_a_blob_is_answered_before_its_body_is_read() -> None:
    app = Seen()
    path = "/api/blobs/sha256:" + "0" * 64
    with served(stack(app)) as port, RawClient("127.0.0.1", port) as client:
        head = {**CHAT, "Content-Length": "5000000000", "Expect": "100-continue"}
        client.send(request_bytes("POST", path, head))
        first = client.file.readline()
        assert first == b"HTTP/1.1 200 OK\r\n"
        client.shutdown()
        assert client.file.read().endswith(b"{}")
    assert app.bodies == [b""]
    assert dict(app.scopes[0]["headers"])[b"content-length"] == b"0"


def test_an_early_answer_keeps_the_connection_when_little_was_left_unread() -> None:
    with served(stack(Seen())) as port, RawClient("127.0.0.1", port) as client:
        for _ in range(2):
            client.send(request_bytes("POST", "/api/nope", CHAT, b"x" * 1000))
            assert client.read_answer().status == 404


def test_an_early_answer_closes_the_connection_when_much_was_left_unread() -> None:
    with served(stack(Seen())) as port, RawClient("127.0.0.1", port) as client:
        client.send(request_bytes("POST", "/api/nope", {**CHAT, "Content-Length": "10000000"}))
        got = client.read_answer()
        assert (got.status, got.header("connection")) == (404, "close")


def test_a_compressed_body_reaches_the_application_whole() -> None:
    body = b'{"model":"x"}'
    seen = Seen()
    headers = {**CHAT, "Content-Encoding": "zstd"}
    given = ask(stack(seen), "POST", "/v1/chat/completions", headers, zstd.compress(body))
    assert given.status == 200
    assert seen.bodies == [body]
    refused = ask(stack(Seen()), "POST", "/v1/chat/completions", headers, body)
    reported = b'{"error":"failed to decompress request body"}'
    assert (refused.status, refused.body) == (400, reported)


def test_elsewhere_a_compressed_body_stays_as_it_came() -> None:
    seen = Seen()
    body = zstd.compress(b'{"model":"x"}')
    ask(stack(seen), "POST", "/api/chat", {**CHAT, "Content-Encoding": "zstd"}, body)
    assert seen.bodies == [body]


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=4))
def test_a_body_of_any_number_of_frames_is_what_it_was(parts: list[bytes]) -> None:
    assert decompress(b"".join(zstd.compress(part) for part in parts)) == b"".join(parts)


@given(st.binary(min_size=1, max_size=64))
def test_bytes_that_are_no_frame_are_refused(body: bytes) -> None:
    if not body.startswith(b"\x28\xb5\x2f\xfd") and body[1:4] != b"\x2a\x4d\x18":
        with pytest.raises(OllamaError, match=DECOMPRESSION_FAILED):
            decompress(body)


def test_a_frame_that_is_cut_off_is_refused() -> None:
    with pytest.raises(OllamaError, match=DECOMPRESSION_FAILED):
        decompress(zstd.compress(b'{"model": "x"}' * 100)[:-5])


@pytest.mark.parametrize("zeros", [MAX_DECOMPRESSED_BYTES + 1, 40 * MAX_DECOMPRESSED_BYTES])
def test_a_bomb_is_refused_before_it_is_whole(zeros: int) -> None:
    bomb = zstd.compress(bytes(MAX_DECOMPRESSED_BYTES)) * (
        zeros // MAX_DECOMPRESSED_BYTES
    ) + zstd.compress(b"0")
    with pytest.raises(OllamaError, match=DECOMPRESSED_TOO_LARGE) as caught:
        decompress(bomb)
    assert caught.value.status == 400


def test_a_lower_limit_of_the_operator_counts() -> None:
    body = zstd.compress(bytes(1000))
    assert len(decompress(body, 1000)) == 1000
    with pytest.raises(OllamaError, match=DECOMPRESSED_TOO_LARGE):
        decompress(body, 999)


def test_the_largest_body_passes() -> None:
    assert len(decompress(zstd.compress(bytes(MAX_DECOMPRESSED_BYTES)))) == MAX_DECOMPRESSED_BYTES


# Alone


def test_alone_it_passes_on_the_whole_body() -> None:
    app = Seen()
    scope = scope_of(headers={"Content-Length": "2", "Content-Type": "text/plain"})
    answer = asyncio.run(alone(BodyMiddleware(app, limit=9, timeout=1), scope, b"{}"))
    assert (answer.status, app.bodies, RequestState.of(scope).body) == (200, [b"{}"], b"{}")
    assert dict(app.scopes[0]["headers"])[b"content-type"] == b"application/json"


def test_alone_it_refuses_what_is_too_long() -> None:
    app = Seen()
    scope = scope_of(headers={"Content-Length": "10"})
    answer = asyncio.run(alone(BodyMiddleware(app, limit=9, timeout=1), scope))
    assert (answer.status, app.scopes) == (413, [])
