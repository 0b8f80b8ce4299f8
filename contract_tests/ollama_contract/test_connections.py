"""Connections: what HTTP promises of them, on sockets that no client library looks after."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from ollama_contract.checking import expect
from ollama_contract.exchange import Asker
from ollama_contract.requests import GENERATING, asking
from ollama_contract.target import Target

Said = tuple[http.client.HTTPResponse, bytes]
LARGE = 3_000_000
"""More than a web framework reads by default; a photograph for a model is as large."""


class Line:
    """A connection to the target that stays open as long as the server lets it."""

    def __init__(self, target: Target) -> None:
        url = urlsplit(target.url)
        secure = url.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        # What speaks HTTP/1.0 today names the host as well; http.client does not.
        self.prefix, self.headers = url.path, {"Host": url.netloc, **target.headers()}
        self.connection: http.client.HTTPConnection = kind(
            url.hostname or "", url.port, timeout=120
        )

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Said:
        """One request; it goes out on the same socket as the last, if that is still open."""
        data = None if body is None else json.dumps(body).encode()
        sent = {"Content-Type": "application/json"} if data else {}
        self.connection.request(
            method, self.prefix + path, data, {**self.headers, **sent, **headers}
        )
        answer = self.connection.getresponse()
        return answer, answer.read()

    @property
    def open(self) -> bool:
        """The last answer left the connection open."""
        return self.connection.sock is not None


@contextmanager
def line(target: Target, version: int = 11) -> Iterator[Line]:
    """A connection that speaks HTTP/1.1, or HTTP/1.0 for 10."""
    made = Line(target)
    vars(made.connection).update(_http_vsn=version, _http_vsn_str=f"HTTP/1.{version % 10}")
    try:
        yield made
    finally:
        made.connection.close()


@pytest.mark.endpoint("GET /api/version")
def test_a_client_of_http_1_0_is_answered(target: Target) -> None:
    with line(target, 10) as old:
        answer, body = old.ask("GET", "/api/version")
    place = "GET /api/version"
    expect(answer.status == 200, "200 for HTTP/1.0", answer.status, endpoint=place)
    coded = answer.getheader("transfer-encoding")
    expect(coded is None, "no chunks for HTTP/1.0", coded, endpoint=place)
    expect(body.startswith(b"{"), "the whole body for HTTP/1.0", body, endpoint=place)


@pytest.mark.needs("completion")
@pytest.mark.parametrize("path", GENERATING)
def test_a_stream_to_a_client_of_http_1_0_has_no_chunks(path: str, target: Target) -> None:
    with line(target, 10) as old:
        answer, body = old.ask("POST", path, asking(target, path, "Hi", 4, stream=True))
    place = f"POST {path}"
    coded = answer.getheader("transfer-encoding")
    expect(coded is None, "no chunks for HTTP/1.0", coded, endpoint=place)
    last = body.rstrip(b"\n").rpartition(b"\n")[2]
    expect(b'"done":true' in last, "the whole stream for HTTP/1.0", body[-300:], endpoint=place)


@pytest.mark.endpoint("GET /api/version", "POST /api/show")
def test_a_connection_stays_open_whatever_is_answered(target: Target) -> None:
    requested: list[tuple[str, str, Any]] = [
        ("GET", "/api/version", None),
        ("GET", "/nope", None),
        ("POST", "/api/show", {}),
        ("POST", "/api/show", {"model": target.model}),
        ("HEAD", "/", None),
        ("PUT", "/api/tags", None),
    ]
    with line(target) as retained:
        for method, path, body in requested:
            answer, _ = retained.ask(method, path, body)
            expect(
                retained.open,
                "a connection that stays open",
                f"closed after {method} {path}: {answer.status}\n{answer.headers}",
                endpoint=f"{method} {path}",
            )


@pytest.mark.needs("completion")
@pytest.mark.parametrize("path", GENERATING)
def test_a_connection_stays_open_after_a_stream(path: str, target: Target) -> None:
    with line(target) as retained:
        retained.ask("POST", path, asking(target, path, "Hi", 2, stream=True))
        place = f"POST {path}"
        expect(retained.open, "a connection that stays open after a stream", "", endpoint=place)
        after, _ = retained.ask("GET", "/api/version")
    expect(after.status == 200, "the next request on it is answered", after.status, endpoint=place)


@pytest.mark.endpoint("GET /api/version")
def test_a_connection_is_closed_when_the_client_says_so(target: Target) -> None:
    with line(target) as brief:
        answer, _ = brief.ask("GET", "/api/version", Connection="close")
        closed = not brief.open
    place = "GET /api/version"
    got = answer.getheader("connection")
    expect(closed, "Connection: close, as the client asked", got, endpoint=place)


@pytest.mark.parametrize("name", ["content-length", "expect"])
def test_a_large_body_is_read(name: str, ask: Asker, target: Target) -> None:
    more = {"Expect": "100-continue"} if name == "expect" else {}
    body = {"model": target.model, "unheard_of": "x" * LARGE}
    answer = ask("POST", "/api/show", body, more)
    expect(answer.status == 200, f"a body of {LARGE} bytes is read", f"{answer.status}")
