"""What httptools would take and this service does not (faults.md rows 23-27), on a real socket."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from starlette.types import Receive, Scope, Send

from ollama_facade.server import protocol
from tests.raw import Answer, NoAnswerError, RawClient
from tests.server.asgi import Seen, served, stack

HOST = b"Host: localhost\r\n"


@pytest.fixture(scope="module")
def app() -> Seen:
    return Seen()


@pytest.fixture(scope="module")
def port(app: Seen) -> Iterator[int]:
    with served(stack(app)) as number:
        yield number


def only(port: int, request: bytes) -> Answer | None:
    """The answer, after which nothing may follow; None when the connection was reset before it.

    That happens to a client which is still sending.
    """
    with RawClient("127.0.0.1", port, 10) as client:
        try:
            client.send(request)
            answer = client.read_answer()
        except OSError:
            return None
        with pytest.raises((NoAnswerError, ConnectionResetError)):
            client.read_answer()
    return answer


BAD = {
    "a header of a megabyte": b"GET / HTTP/1.1\r\n"
    + HOST
    + b"X: "
    + b"a" * 1_000_000
    + b"\r\n\r\n",
    "a header without end": b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 70_000,
    "headers without number": b"GET / HTTP/1.1\r\n" + HOST + b"X: 1\r\n" * 100_000 + b"\r\n",
    "a target of a megabyte": b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\n" + HOST * 2 + b"\r\n",
    "bytes in the target": b"GET /\xff HTTP/1.1\r\n" + HOST + b"\r\n",
    "two lengths": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\n" * 2 + b"\r\nx",
    "a length with a sign": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: +5\r\n\r\nxxxxx",
    "a coding that is none": (
        b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"
    ),
    "a blank before the colon": b"GET / HTTP/1.1\r\n" + HOST + b"X : 1\r\n\r\n",
    "a zero byte in a header": b"GET / HTTP/1.1\r\n" + HOST + b"X: \0\r\n\r\n",
    "no protocol": b"nonsense\r\n\r\n",
    "another protocol": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}


@pytest.mark.parametrize("request_", BAD.values(), ids=BAD.keys())
def test_a_bad_head_is_a_400_and_the_end(app: Seen, port: int, request_: bytes) -> None:
    before = len(app.scopes)
    answer = only(port, request_)
    assert answer.status == 400 if answer else len(request_) > protocol.MAX_HEAD_BYTES
    assert len(app.scopes) == before


def test_a_host_is_not_needed_before_http_1_1(port: int) -> None:
    with RawClient("127.0.0.1", port, 10) as client:
        client.send(b"GET /api/version HTTP/1.0\r\n\r\n")
        assert client.read_answer().status in (200, 403)


async def streaming(scope: Scope, receive: Receive, send: Send) -> None:
    """An answer whose length nobody knows before its end."""
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for piece in (b"a\n", b"b\n"):
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def test_a_stream_has_no_chunks_before_http_1_1() -> None:
    with served(stack(streaming)) as number, RawClient("127.0.0.1", number, 10) as client:
        client.send(b"GET /api/version HTTP/1.0\r\n" + HOST + b"\r\n")
        answer = client.read_answer("GET")
        assert answer.header("transfer-encoding") is None
        assert answer.body == b"a\nb\n"
        with pytest.raises(NoAnswerError):
            client.read_answer()


@pytest.mark.parametrize(
    ("target", "path", "raw_path", "query"),
    [
        (b"/api/version", "/api/version", b"/api/version", b""),
        (b"/api/version?a=1?b", "/api/version", b"/api/version", b"a=1?b"),
        (b"/api/%76ersion", "/api/version", b"/api/%76ersion", b""),
        (b"http://localhost/api/version", "/api/version", b"/api/version", b""),
    ],
)
def test_a_target_is_read_as_it_was_sent(
    app: Seen, port: int, target: bytes, path: str, raw_path: bytes, query: bytes
) -> None:
    with RawClient("127.0.0.1", port, 10) as client:
        client.send(b"GET " + target + b" HTTP/1.1\r\n" + HOST + b"\r\n")
        assert client.read_answer("GET").status == 200
    scope = app.scopes[-1]
    assert (scope["path"], scope["raw_path"], scope["query_string"]) == (path, raw_path, query)


def test_a_body_in_chunks_with_trailers_is_read_whole(app: Seen, port: int) -> None:
    with RawClient("127.0.0.1", port, 10) as client:
        client.send(b"POST /api/chat HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n")
        client.send(b"2\r\n{}\r\n0\r\nX-After: 1\r\n\r\n")
        assert client.read_answer().status == 200
        client.send(b"GET /api/version HTTP/1.1\r\n" + HOST + b"\r\n")
        assert client.read_answer("GET").status == 200
    assert app.bodies[-2:] == [b"{}", b""]
    assert not any(name == b"x-after" for scope in app.scopes for name, _ in scope["headers"])


@pytest.mark.parametrize("cut", [None, -1, -3, -5, 40])
def test_an_upgrade_to_http_2_is_not_made_and_the_body_is_read(
    app: Seen, port: int, cut: int | None
) -> None:
    """Java's client asks for it with its first request."""
    upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n"
    with RawClient("127.0.0.1", port, 10) as client:
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        request = b"POST /api/chat HTTP/1.1\r\n" + HOST + upgrade + b"Content-Length: 2\r\n\r\n{}"
        client.send(request[:cut])
        if cut is not None:
            client.send(request[cut:])
        assert client.read_answer().status == 200
        client.send(b"GET /api/version HTTP/1.1\r\n" + HOST + b"\r\n")
        assert client.read_answer("GET").status == 200
    assert app.bodies[-2] == b"{}"


@pytest.mark.parametrize(
    "beginning", [b"", b"GET / HTTP/1.1\r\nHost: loc", b"POST /api/chat HTTP/1.1\r\n" + HOST]
)
def test_a_head_that_does_not_end_is_not_waited_for(
    port: int, beginning: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol.HttpProtocol, "head_timeout", 0.05)
    with RawClient("127.0.0.1", port, 10) as client:
        client.send(beginning)
        with pytest.raises(NoAnswerError):
            client.read_answer()


def test_a_second_head_on_a_connection_is_timed_too(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RawClient("127.0.0.1", port, 10) as client:
        client.send(b"GET /api/version HTTP/1.1\r\n" + HOST + b"\r\n")
        assert client.read_answer("GET").status == 200
        monkeypatch.setattr(protocol.HttpProtocol, "head_timeout", 0.05)
        client.send(b"GET /api/version HTTP/1.1\r\n")
        with pytest.raises(NoAnswerError):
            client.read_answer()


def test_an_answer_comes_whole_to_every_method(port: int) -> None:
    with RawClient("127.0.0.1", port) as client:
        for method in ("GET", "HEAD", "GET"):
            client.send(f"{method} /api/tags HTTP/1.1\r\n".encode() + HOST + b"\r\n")
            answer = client.read_answer(method)
            assert answer.status == 200
