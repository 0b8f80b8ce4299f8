"""faults.md rows 22 to 40: connections that no client should make, and some do."""

from __future__ import annotations

import select
import time
from contextlib import ExitStack, suppress

import pytest

from tests import raw
from tests.robustness.bench import CHAT, QUEUE, Bench, error_of, frames_of
from tests.service import CANARY, Service, wait_until
from tests.upstream import Connection, Scenario, Step, done, drip, finish, opened, pause, say, stall

HEAD = b"POST /api/chat HTTP/1.1\r\nHost: localhost\r\n"
PLAIN = b"GET /api/version HTTP/1.1\r\nHost: localhost\r\n\r\n"


def test_r22_a_body_that_does_not_come_is_given_up(bench: Bench) -> None:
    with bench.connected() as client:
        client.send(HEAD + b'Content-Length: 100\r\n\r\n{"mod')
        answered = client.read_answer()
        assert (answered.status, error_of(answered)) == (408, "request body timed out")
        client.shutdown()
        assert client.file.read() == b""


def test_r22_a_body_that_trickles_is_given_up_too(bench: Bench) -> None:
    """The time is that of the whole body, and no byte of it begins it anew."""
    with bench.connected() as client:
        client.send(HEAD + b"Content-Length: 100000\r\n\r\n")
        trickle(client, b" ")
        answered = client.read_answer()
        assert (answered.status, error_of(answered)) == (408, "request body timed out")


def trickle(client: raw.RawClient, piece: bytes) -> None:
    """Sends a piece every now and then, until an answer or the end of the connection comes."""
    for _ in range(100):
        if select.select([client.socket], [], [], 0.05)[0]:
            return
        try:
            client.send(piece)
        except ConnectionError:
            return
    raise AssertionError("it goes on for ever")


SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize(
    "sent",
    (
        HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
        HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}" + SMUGGLED,
        HEAD + b"Content-Length: 2\r\nContent-Length: 60\r\n\r\n{}" + SMUGGLED,
        HEAD + b"Content-Length: +5\r\n\r\n{}   " + SMUGGLED,
        HEAD + b"Content-Length: 2, 3\r\n\r\n{}" + SMUGGLED,
        HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
        HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + SMUGGLED,
        HEAD + b"Content-Length : 2\r\n\r\n{}" + SMUGGLED,
        HEAD + b"X: a\x00b\r\nContent-Length: 2\r\n\r\n{}" + SMUGGLED,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}XX0\r\n\r\n" + SMUGGLED,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + SMUGGLED,
        b"GET / HTTP/1.1\r\n Host: localhost\r\n\r\n" + SMUGGLED,
        b"G ET / HTTP/1.1\r\nHost: localhost\r\n\r\n" + SMUGGLED,
    ),
)
def test_r23_a_request_with_an_unclear_end_is_refused_and_nothing_follows(
    bench: Bench, sent: bytes
) -> None:
    came = bench.talk(sent)
    assert came.startswith(b"HTTP/1.1 400 ")
    assert came.count(b"HTTP/1.1 ") == 1
    assert not any("smuggled" in str(line) for line in bench.lines())


@pytest.mark.parametrize("sent", (b"", b"GET / HTTP/1.1\r\nHost: loc"))
def test_r24_a_head_that_does_not_come_closes_the_connection(bench: Bench, sent: bytes) -> None:
    assert bench.talk(sent) == b""


def test_r24_a_head_that_trickles_closes_the_connection(bench: Bench) -> None:
    with bench.connected() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
        trickle(client, b"y")
        with suppress(ConnectionResetError):
            assert client.file.read() == b""


def test_r24_a_second_head_that_does_not_come_closes_the_connection_too(bench: Bench) -> None:
    assert bench.talk(PLAIN + b"GET / HTT").count(b"HTTP/1.1 200") == 1


def test_r24_an_answer_takes_longer_than_a_head_may(bench: Bench) -> None:
    bench.script([say("a"), pause(0.4), say("b"), pause(0.4), say("c"), finish(), done()])
    assert frames_of(bench.chat()) == "abc"


@pytest.mark.parametrize(
    "head",
    (
        b"GET /api/version HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 1_000_000,
        b"GET /api/version HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 100_000,
        b"GET /" + b"x" * 1_000_000 + b" HTTP/1.1\r\nHost: localhost",
    ),
    ids=("header", "headers", "url"),
)
def test_r25_a_head_that_is_too_long_is_refused(bench: Bench, head: bytes) -> None:
    before = bench.forget_peak()
    with bench.connected() as client:
        try:
            client.send(head + b"\r\n\r\n")
            came = client.file.read()
        except (ConnectionResetError, BrokenPipeError):
            came = b""
    assert came == b"" or came.startswith(b"HTTP/1.1 400 ")
    assert bench.peak() - before < 10


@pytest.mark.parametrize(
    ("hosts", "status"),
    (
        (b"", b"400"),
        (b"Host: localhost\r\nHost: localhost\r\n", b"400"),
        (b"Host: \r\n", b"403"),
        (b"Host: :11434\r\n", b"403"),
        (b"Host: evil.example\r\n", b"403"),
        (b"Host: 127.0.0.1.evil.example\r\n", b"403"),
    ),
)
def test_r26_a_host_that_a_page_could_name_is_refused(
    bench: Bench, hosts: bytes, status: bytes
) -> None:
    came = bench.talk(b"GET /api/tags HTTP/1.1\r\n" + hosts + b"Connection: close\r\n\r\n")
    assert came.startswith(b"HTTP/1.1 " + status)
    if status == b"403":
        assert came.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    "host", ("127.0.0.1", "[::1]:11434", "10.1.2.3", "localhost", "a.localhost", "box.local")
)
def test_r27_a_host_that_no_page_can_name_is_served(bench: Bench, host: str) -> None:
    for name in (host, "ollama", "x.internal", "models.example"):
        assert bench.get("/api/version", {"Host": name}).status == 200


@pytest.mark.parametrize(
    "origin", ("https://evil.example", "https://localhost.evil.com", "null", "file")
)
def test_r28_a_page_from_elsewhere_is_refused(bench: Bench, origin: str) -> None:
    answered = bench.get("/api/version", {"Origin": origin})
    assert answered.status == 403
    assert not any(name.startswith("access-control") for name, _ in answered.headers)
    asking = {"Access-Control-Request-Method": "POST", "Host": "localhost"}
    for name, allowed in ((origin, None), ("http://localhost:3000", "http://localhost:3000")):
        headers = {**asking, "Origin": name}
        before = raw.exchange("127.0.0.1", bench.port, "OPTIONS", "/api/chat", headers)
        assert before.header("access-control-allow-origin") == allowed
    for name in ("http://localhost:3000", "https://pages.example"):
        good = bench.get("/api/version", {"Origin": name})
        assert good.header("access-control-allow-origin") == name


def test_r29_a_client_that_leaves_its_body_half_sent_asks_for_nothing(bench: Bench) -> None:
    with bench.connected() as client:
        client.send(HEAD + b'Content-Length: 100\r\n\r\n{"model":"native"')
    wait_until(lambda: any(line.get("outcome") == "client_gone" for line in bench.lines()), 60)
    assert bench.upstream.generations() == []


def leaves(bench: Bench, scenario: Scenario, *, stream: bool = True, frames: int = 0) -> None:
    """The client goes, and with it the call to the backend, which would never end by itself."""
    bench.script(scenario)
    before = bench.metric("facade_client_hangups_total")
    with bench.asking(stream) as client:
        bench.upstream.wait_for_request()
        if frames:
            body = client.read_body(client.read_head())
            for _ in range(frames):
                next(body)
    bench.upstream.wait_for_hang_up()
    wait_until(lambda: bench.metric("facade_client_hangups_total") == before + 1, 60)


def test_r30_a_client_that_leaves_before_the_first_token_stops_the_backend(bench: Bench) -> None:
    leaves(bench, [stall()])
    leaves(bench, [opened(), stall()])


def test_r31_a_client_that_leaves_a_stream_stops_the_backend(bench: Bench) -> None:
    leaves(bench, [drip("a", 0.01)], frames=3)
    leaves(bench, [say("a"), stall()], frames=1)


def test_r32_a_client_that_leaves_a_whole_answer_stops_the_backend(bench: Bench) -> None:
    leaves(bench, [stall()], stream=False)


def test_r33_a_client_that_says_it_sends_no_more_counts_as_gone(bench: Bench) -> None:
    bench.script([stall()])
    with bench.asking() as client:
        requested = bench.upstream.wait_for_request()
        client.shutdown()
        bench.upstream.wait_for_hang_up()
        assert requested.left is not None
        assert client.file.read() == b""


PIECE = "x" * 65536


def counted(sent: list[int]) -> Step:
    """A stream without an end, as fast as it is taken; the pieces that left are counted."""

    async def step(connection: Connection) -> None:
        for _ in range(100_000):
            await say(PIECE)(connection)
            sent.append(len(PIECE))

    return step


def test_r34_a_client_that_does_not_read_costs_no_memory_and_is_dropped(bench: Bench) -> None:
    sent: list[int] = []
    bench.script([counted(sent)])
    before = bench.forget_peak()
    with ExitStack() as stack:
        clients = [stack.enter_context(bench.asking()) for _ in range(5)]
        wait_until(lambda: len(bench.upstream.generations()) == 5, 60)
        wait_until(lambda: not bench.metric("facade_requests_in_flight"), 10, "it is not dropped")
        assert bench.peak() - before < 15 + 5
        # The backend was held up as well: what left it is about what the sockets of two hops hold.
        assert sum(sent) < 5 * 32 * 2**20
        bench.upstream.wait_for_hang_up()
        for client in clients:
            answered = client.read_head()
            with suppress(ConnectionResetError):
                for _ in client.read_body(answered):
                    pass
                assert answered.cut
    outcomes = [line.get("outcome") for line in bench.lines()]
    assert outcomes.count("client_stalled") == 5


def test_r34_a_client_that_reads_slowly_gets_all_of_it(bench: Bench) -> None:
    """All of it takes twice as long as any one write may, and writes wait again and again."""
    pieces = 18 * 2**20 // len(PIECE)
    bench.script([say(*[PIECE] * pieces), finish(), done()])
    before = bench.forget_peak()
    with bench.asking() as client:
        answered = client.read_head()
        for part in client.read_body(answered):
            time.sleep(len(part) / 12e6)
    assert answered.lines()[-1]["done"] is True
    assert len(frames_of(answered)) == pieces * len(PIECE)
    assert bench.peak() - before < 15


def test_r35_requests_in_a_row_are_answered_in_order(bench: Bench) -> None:
    paths = [f"/v1/models/m{number}" for number in range(100)]
    with bench.connected() as client:
        client.send(
            b"".join(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() for path in paths)
        )
        for number in range(100):
            assert f"'m{number}:latest'" in client.read_answer("GET").text
        last = PLAIN.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        client.send(last + PLAIN)
        assert client.read_answer("GET").status == 200
        assert client.file.read() == b""


def test_r36_the_rest_of_http_has_its_answers(bench: Bench) -> None:
    body = b'{"model":"native"}'
    with bench.connected() as client:
        client.send(HEAD + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body))
        assert client.file.readline() == b"HTTP/1.1 100 Continue\r\n"
        client.file.readline()
        client.send(body)
        assert client.read_answer().status == 200
    assert bench.talk(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n").endswith(b"Ollama is running")
    close = b"Host: localhost\r\nConnection: close\r\n"
    head = bench.talk(b"HEAD / HTTP/1.1\r\n" + close + b"\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert head.endswith(b"\r\n\r\n")
    upgrade = close.replace(b"close", b"Upgrade") + b"Upgrade: websocket\r\n"
    upgrade += b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    with bench.connected() as client:
        client.send(b"GET /api/version HTTP/1.1\r\n" + upgrade + b"\r\n")
        assert client.read_head().status == 200
    for line, status in (
        (b"OPTIONS * HTTP/1.1\r\n", b"200"),
        (b"CONNECT example.org:443 HTTP/1.1\r\n", b"404"),
        (b"TRACE / HTTP/1.1\r\n", b"405"),
        (b"BREW / HTTP/1.1\r\n", b"400"),
    ):
        assert bench.talk(line + close + b"\r\n").startswith(b"HTTP/1.1 " + status), line


@pytest.mark.parametrize(
    ("line", "status"),
    (
        ("GET /api/chat", 405),
        ("POST /api/tags", 405),
        ("GET /api/nothing", 404),
        ("GET //api/version", 307),
        ("GET /api/version/", 301),
        ("GET /api%2fversion", 200),
        ("GET /api/../api/version", 307),
        ("GET /%", 400),
        ("GET http://localhost/api/version", 200),
        ("GET http://evil.example/api/version", 403),
    ),
)
def test_r37_paths_and_methods_that_are_not_there(bench: Bench, line: str, status: int) -> None:
    method, path = line.split(" ")
    answered = raw.exchange("127.0.0.1", bench.port, method, path, {"Host": "localhost"})
    assert answered.status == status
    assert (answered.header("allow") is not None) == (status == 405)


def test_r38_one_request_too_many_is_refused_at_once(bench: Bench) -> None:
    bench.script([say("a"), pause(0.25), say("b"), finish(), done()])
    with ExitStack() as clients:
        running = [clients.enter_context(bench.asking()) for _ in range(QUEUE)]
        wait_until(lambda: bench.metric("facade_requests_in_flight") >= QUEUE, 60)
        refused = [bench.chat() for _ in range(3)]
        assert bench.get("/").text == "Ollama is running"
        assert bench.get("/api/version").status == 200
        for answered in refused:
            assert answered.status == 503
            text = "server busy, please try again.  maximum pending requests exceeded"
            assert answered.json() == {"error": text}
        assert {frames_of(client.read_answer()) for client in running} == {"ab"}


def test_r39_what_a_client_says_of_itself_goes_no_further(bench: Bench) -> None:
    headers = {
        "X-Forwarded-For": "1.2.3.4",
        "X-Forwarded-Host": "evil.example",
        "Forwarded": "for=1.2.3.4",
        "Authorization": "Bearer junk",
        "Cookie": "c" * 10_000,
        "X-Stainless-Retry-Count": "7",
        "User-Agent": "x" * 1000,
        "Openai-Organization": "other",
        "X-Anything": "else",
    }
    assert bench.post(CHAT, headers=headers).status == 200
    [requested] = bench.upstream.generations()
    assert requested.headers["authorization"] == f"Bearer {CANARY}"
    sent = str({key: value for key, value in requested.headers.items() if key != "authorization"})
    for word in ("1.2.3.4", "evil", "junk", "ccc", "'7'", "xxx", "other", "else"):
        assert word not in sent, word


def test_r39_a_request_id_goes_along_in_both_directions(bench: Bench) -> None:
    answered = bench.post(CHAT, headers={"X-Request-ID": "abc-1"})
    assert answered.header("x-request-id") == "abc-1"
    [requested] = bench.upstream.generations()
    assert requested.headers["x-request-id"] == "abc-1"
    wait_until(lambda: any(line.get("request_id") == "abc-1" for line in bench.lines()), 60)
    made = bench.post(CHAT, headers={"X-Request-ID": "x" * 1000}).header("x-request-id")
    assert bench.upstream.generations()[-1].headers["x-request-id"] == made
    assert made is not None
    assert len(made) == 16


def test_r40_a_key_is_asked_for_before_the_body_is_read(bench: Bench) -> None:
    settings = {"OPENAI_BASE_URL": bench.upstream.base_url, "FACADE_API_KEYS": "one,two"}
    with Service(settings) as service:
        for header in ("", "Authorization: Bearer three\r\n", "Authorization: Basic b25l\r\n"):
            with raw.RawClient("127.0.0.1", service.port) as client:
                head = (
                    f"POST /api/chat HTTP/1.1\r\nHost: x\r\n{header}Content-Length: 999999\r\n\r\n"
                )
                client.send(head.encode())
                answered = client.read_answer()
                assert (answered.status, error_of(answered)) == (401, "unauthorized")
        for key in ("one", "two"):
            headers = {"Host": "x", "Authorization": f"Bearer {key}"}
            found = raw.exchange("127.0.0.1", service.port, "GET", "/api/version", headers)
            assert found.status == 200
