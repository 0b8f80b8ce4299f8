"""The door: recordings of the areas http, cors and host, then what no recording shows."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import threading
import time
from typing import Any

import pytest
import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ollama_facade.errors import OllamaError
from ollama_facade.server import response_writer
from ollama_facade.server.door import Door
from tests.raw import RawClient, request_bytes
from tests.server.asgi import Answer, Seen, ask, call, door, golden, served

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

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
        door(app, **settings_of(case)),
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
    assert ask(door(Seen()), method, path, headers).status == status


def test_an_allowed_options_request_without_origin_lists_the_methods_of_the_path() -> None:
    got = ask(door(Seen()), "OPTIONS", "/api/blobs/x")
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
        await door(Seen())(scope, receive, send)
        return statuses[0]

    assert asyncio.run(twice()) == 403


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
    ask(door(app), "POST", "/api/show", {**headers, "User-Agent": "curl"}, body)
    scope = app.scopes[0]
    assert scope["headers"] == [
        (b"host", b"localhost:11434"),
        (b"user-agent", b"curl"),
        (b"content-type", b"application/json"),
        (b"content-length", b"15"),
    ]
    assert scope["facade.body"] == app.bodies[0] == body
    assert scope["facade.started"] == scope["facade.record"].started


@pytest.mark.parametrize("method", ("GET", "HEAD"))
def test_a_request_without_a_body_is_given_an_empty_one(method: str) -> None:
    app = Seen(b"hello")
    got = ask(door(app), method, "/api/tags", {"Content-Type": "application/json"})
    assert app.bodies == [b""]
    assert b"content-type" not in dict(app.scopes[0]["headers"])
    assert got.body == (b"hello" if method == "GET" else b"")
    assert got.values("content-length") == ["5"]


def test_a_request_has_an_id_its_own_when_it_is_short_and_plain_or_one_that_is_made() -> None:
    made = [ask(door(Seen())).values("x-request-id") for _ in range(2)]
    assert [len(one) for (one,) in made] == [16, 16]
    assert made[0] != made[1]
    for path in ("/api/version", "/nope"):
        assert ask(door(Seen()), "GET", path, {"X-Request-ID": "a-1"}).values("x-request-id") == [
            "a-1"
        ]
    for bad in ("x" * 129, "", "a\tb", "\xe4"):
        [(other)] = ask(door(Seen()), headers={"X-Request-ID": bad}).values("x-request-id")
        assert len(other) == 16


def test_the_lifespan_goes_through() -> None:
    seen = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    async def nothing(*_: object) -> Any:
        raise AssertionError

    asyncio.run(door(app)({"type": "lifespan"}, nothing, nothing))
    assert seen == ["lifespan"]


# The queue


class Held:
    """An application that answers when it is let go."""

    def __init__(self) -> None:
        self.let_go = asyncio.Event()
        self.entered = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.entered.set()
        await self.let_go.wait()
        await Seen()(scope, receive, send)


@pytest.mark.parametrize(
    "case",
    [
        case
        for case in golden("failures")
        if case["name"].startswith("failures/busy-") and case["request"]["path"].startswith("/api/")
    ],
    ids=lambda case: case["name"],
)
def test_one_request_more_than_the_queue_holds_is_refused(case: dict[str, Any]) -> None:
    async def fill() -> Answer:
        app = Held()
        busy = door(app, max_queue=1)
        running = asyncio.create_task(call(busy, "POST", "/api/chat", CHAT, b"{}"))
        await app.entered.wait()
        request = case["request"]
        body = json.dumps(request["body"]).encode()
        got = await call(busy, request["method"], request["path"], request["headers"], body)
        app.let_go.set()
        assert (await running).status == 200
        assert (await call(busy, "POST", "/api/chat", CHAT, b"{}")).status == 200
        assert busy.under_way == 0
        return got

    got = asyncio.run(fill())
    response = case["response"]
    assert (got.status, got.body.decode()) == (response["status"], response["body"])
    assert got.values("content-type") == [response["headers"]["Content-Type"]]


def test_a_full_queue_does_not_keep_the_other_paths_out() -> None:
    async def fill() -> list[int]:
        app = Held()
        answers_at_once = Seen()

        async def split(scope: Scope, receive: Receive, send: Send) -> None:
            await (app if scope["method"] == "POST" else answers_at_once)(scope, receive, send)

        busy = door(split, max_queue=1)
        running = asyncio.create_task(call(busy, "POST", "/api/embed", CHAT, b"{}"))
        await app.entered.wait()
        statuses = [(await call(busy, "GET", path)).status for path in ("/", "/api/version")]
        statuses.append((await call(busy, "POST", "/api/embeddings", CHAT, b"{}")).status)
        app.let_go.set()
        await running
        return statuses

    assert asyncio.run(fill()) == [200, 200, 503]


# The body


def test_a_body_that_says_it_is_too_long_is_not_read() -> None:
    app = Seen()
    with served(door(app, max_body=10)) as port, RawClient("127.0.0.1", port) as client:
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
    with served(door(app, max_body=10)) as port, RawClient("127.0.0.1", port) as client:
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
    with served(door(app, max_body=10)) as port, RawClient("127.0.0.1", port) as client:
        client.send(head + b"5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n")
        assert client.read_answer().status == 200
        client.send(request_bytes("GET", "/api/version"))
        assert client.read_answer("GET").status == 200
    assert app.bodies == [b"0123456789", b""]


def test_a_client_that_floods_gets_its_refusal_and_not_a_reset() -> None:
    with served(door(Seen(), max_body=1000)) as port, RawClient("127.0.0.1", port) as client:
        head = request_bytes("POST", "/api/chat", {**CHAT, "Content-Length": "3000000"})
        client.send(head + b"x" * 3_000_000)
        assert client.read_answer().status == 413


def test_a_slow_body_is_timed_out() -> None:
    app = Seen()
    with (
        served(door(app, body_timeout=0.1)) as port,
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
    with served(door(app)) as port, RawClient("127.0.0.1", port) as client:
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
    with served(door(app)) as port, RawClient("127.0.0.1", port) as client:
        head = {**CHAT, "Content-Length": "5000000000", "Expect": "100-continue"}
        client.send(request_bytes("POST", path, head))
        first = client.file.readline()
        assert first == b"HTTP/1.1 200 OK\r\n"
        client.shutdown()
        assert client.file.read().endswith(b"{}")
    assert app.bodies == [b""]
    assert dict(app.scopes[0]["headers"])[b"content-length"] == b"0"


def test_an_early_answer_keeps_the_connection_when_little_was_left_unread() -> None:
    with served(door(Seen())) as port, RawClient("127.0.0.1", port) as client:
        for _ in range(2):
            client.send(request_bytes("POST", "/api/nope", CHAT, b"x" * 1000))
            assert client.read_answer().status == 404


def test_an_early_answer_closes_the_connection_when_much_was_left_unread() -> None:
    with served(door(Seen())) as port, RawClient("127.0.0.1", port) as client:
        client.send(request_bytes("POST", "/api/nope", {**CHAT, "Content-Length": "10000000"}))
        got = client.read_answer()
        assert (got.status, got.header("connection")) == (404, "close")


# The client leaves


class Stalled:
    """Sends `before` of a stream, then waits for ever; says what became of it."""

    def __init__(self, *before: bytes) -> None:
        self.entered = threading.Event()
        self.cancelled = threading.Event()
        self.cleaned = threading.Event()
        self._before = before

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "GET":
            await Seen()(scope, receive, send)
            return
        try:
            if self._before:
                headers = [(b"content-type", b"application/x-ndjson")]
                await send({"type": "http.response.start", "status": 200, "headers": headers})
            for line in self._before:
                await send({"type": "http.response.body", "body": line, "more_body": True})
            self.entered.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        finally:
            # Cleaning up may wait: the backend's connection is closed here.
            await asyncio.sleep(0)
            self.cleaned.set()


@pytest.mark.parametrize("before", ((), (b'{"a":1}\n',)), ids=("before the first frame", "after"))
def test_a_client_that_leaves_cancels_the_call(before: tuple[bytes, ...]) -> None:
    app = Stalled(*before)
    at_the_door = door(app)
    with served(at_the_door) as port:
        with RawClient("127.0.0.1", port) as client:
            client.send(request_bytes("POST", "/api/chat", CHAT, b"{}"))
            assert app.entered.wait(5)
            began = time.monotonic()
        assert app.cancelled.wait(5)
        assert time.monotonic() - began < 1
        assert app.cleaned.wait(5)
        with RawClient("127.0.0.1", port) as client:
            client.send(request_bytes("GET", "/api/version"))
            assert client.read_answer("GET").status == 200
    assert at_the_door.under_way == 0


def test_a_client_that_leaves_before_its_body_is_whole_calls_nothing() -> None:
    app = Seen()
    logged = _Events()
    with structlog.testing.capture_logs(processors=[logged]), served(door(app)) as port:
        with RawClient("127.0.0.1", port) as client:
            client.send(request_bytes("POST", "/api/chat", {**CHAT, "Content-Length": "9"}) + b"{")
        assert logged.wait() == {"status": 0, "outcome": "client_gone"}
    assert app.scopes == []


class _Events:
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


def test_what_runs_after_a_complete_answer_is_not_cancelled() -> None:
    cleaned = threading.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await Seen()(scope, receive, send)
        await asyncio.sleep(0.01)
        cleaned.set()

    with served(door(app)) as port, RawClient("127.0.0.1", port) as client:
        client.send(request_bytes("POST", "/api/show", CHAT, b"{}"))
        assert client.read_answer().status == 200
        assert cleaned.wait(5)


def test_the_application_that_listens_hears_that_the_client_left() -> None:
    async def leave() -> list[str]:
        heard = []

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            heard.append((await receive())["type"])
            try:
                heard.append((await receive())["type"])
            finally:
                heard.append("over")

        messages = [{"type": "http.disconnect"}]

        async def receive() -> Message:
            return messages.pop()

        async def send(_message: Message) -> None:
            raise AssertionError("nobody is there")

        await door(app)(_scope(), receive, send)
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
        return heard

    assert asyncio.run(leave()) == ["http.request", "over"]


def test_an_application_that_swallows_its_cancellation_leaves_the_task_in_order() -> None:
    async def leave() -> None:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            with pytest.raises(asyncio.CancelledError):
                await asyncio.Event().wait()

        async def receive() -> Message:
            return {"type": "http.disconnect"}

        async def send(_message: Message) -> None:
            raise AssertionError("nobody is there")

        await door(app)(_scope(), receive, send)
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0

    asyncio.run(leave())


def test_a_cancellation_by_the_server_is_passed_on() -> None:
    async def stop() -> None:
        app = Held()
        at_the_door = door(app)
        task = asyncio.create_task(call(at_the_door, "POST", "/api/chat", CHAT, b"{}"))
        await app.entered.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert at_the_door.under_way == 0

    asyncio.run(stop())


def test_a_client_that_does_not_read_is_dropped_after_the_write_timeout() -> None:
    stopped = threading.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            headers = [(b"content-type", b"application/x-ndjson")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            while True:
                body = b"x" * 1_000_000 + b"\n"
                await send({"type": "http.response.body", "body": body, "more_body": True})
        finally:
            stopped.set()

    logged = _Events()
    with (
        structlog.testing.capture_logs(processors=[logged]),
        served(door(app, write_timeout=0.2)) as port,
        RawClient("127.0.0.1", port) as client,
    ):
        client.send(request_bytes("POST", "/api/chat", CHAT, b"{}"))
        assert stopped.wait(10)
        assert logged.wait() == {"status": 200, "outcome": "client_stalled"}


def test_a_long_answer_that_nobody_reads_is_dropped_too() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await Seen(b"x" * 20_000_000)(scope, receive, send)

    logged = _Events()
    with (
        structlog.testing.capture_logs(processors=[logged]),
        served(door(app, write_timeout=0.2)) as port,
        RawClient("127.0.0.1", port) as client,
    ):
        client.send(request_bytes("GET", "/api/tags"))
        assert logged.wait()["outcome"] == "client_stalled"


def test_a_slow_stream_is_not_dropped() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"application/x-ndjson")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for _ in range(3):
            await asyncio.sleep(0.06)
            await send({"type": "http.response.body", "body": b"{}\n", "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    with served(door(app, write_timeout=0.05)) as port, RawClient("127.0.0.1", port) as client:
        client.send(request_bytes("POST", "/api/chat", CHAT, b"{}"))
        got = client.read_answer()
        assert (got.body, got.cut) == (b"{}\n" * 3, False)


# Bugs


def _breaks(*messages: Message, error: Exception | None = None) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)
        if error is not None:
            raise error

    return app


START: Message = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/x-ndjson")],
}
LINE: Message = {"type": "http.response.body", "body": b'{"a":1}\n', "more_body": True}


@pytest.mark.parametrize("error", (ValueError("secret"), None))
def test_a_bug_before_the_answer_is_a_500_and_one_traceback(error: Exception | None) -> None:
    with structlog.testing.capture_logs() as logs:
        got = ask(
            door(_breaks(error=error)),
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
    got = ask(door(_breaks(START, LINE, error=error)), "POST", "/api/chat", CHAT, b"{}")
    assert got.body == b'{"a":1}\n{"error":"internal server error"}\n'
    assert got.ended


def test_an_answer_of_another_kind_that_breaks_off_is_cut() -> None:
    start = {"type": "http.response.start", "status": 200, "headers": []}
    app = _breaks(start, LINE, error=ValueError("secret"))
    with served(door(app)) as port, RawClient("127.0.0.1", port) as client:
        client.send(request_bytes("POST", "/api/show", CHAT, b"{}"))
        try:
            cut = client.read_answer().cut
        except ConnectionResetError:
            cut = True
        assert cut
    with pytest.raises(response_writer.CutError):
        ask(door(app), "POST", "/api/show", CHAT, b"{}")


def test_a_bug_after_the_end_changes_nothing() -> None:
    end = {"type": "http.response.body", "body": b"", "more_body": False}
    got = ask(door(_breaks(START, LINE, end, error=ValueError())), "POST", "/api/chat", CHAT, b"{}")
    assert (got.body, got.ended) == (b'{"a":1}\n', True)


def test_an_error_that_comes_as_far_as_the_door_is_answered() -> None:
    error = OllamaError(
        401, "unauthorized", headers={"Retry-After": "3"}, fields={"signin_url": "https://x/?a&b"}
    )
    got = ask(door(_breaks(error=error)), "POST", "/api/chat", CHAT, b"{}")
    assert got.status == 401
    assert got.values("retry-after") == ["3"]
    assert got.body == b'{"error":"unauthorized","signin_url":"https://x/?a\\u0026b"}'


def _scope() -> Scope:
    return {
        "type": "http",
        "method": "POST",
        "path": "/api/chat",
        "raw_path": b"/api/chat",
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
    }


def test_after_any_of_it_the_next_request_works() -> None:
    app = Seen()
    at_the_door: Door = door(app, max_body=10, body_timeout=0.1, max_queue=1)
    with served(at_the_door) as port:
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
    assert at_the_door.under_way == 0


def test_a_compressed_body_reaches_the_application_whole() -> None:
    body = b'{"model":"x"}'
    seen = Seen()
    headers = {**CHAT, "Content-Encoding": "zstd"}
    given = ask(door(seen), "POST", "/v1/chat/completions", headers, zstd.compress(body))
    assert given.status == 200
    assert seen.bodies == [body]
    refused = ask(door(Seen()), "POST", "/v1/chat/completions", headers, body)
    told = b'{"error":"failed to decompress request body"}'
    assert (refused.status, refused.body) == (400, told)


def test_elsewhere_a_compressed_body_stays_as_it_came() -> None:
    seen = Seen()
    body = zstd.compress(b'{"model":"x"}')
    ask(door(seen), "POST", "/api/chat", {**CHAT, "Content-Encoding": "zstd"}, body)
    assert seen.bodies == [body]
