"""faults.md rows 71 to 85: what a backend may answer as a whole, or not at all."""

from __future__ import annotations

import json
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ollama_facade.config.settings import load
from ollama_facade.server.app import build
from tests.robustness.bench import CHAT, QUEUE, TIMES, Bench, error_of, frames_of
from tests.server.asgi import served
from tests.service import CANARY, free_port
from tests.upstream import Upstream, answer, cut, done, finish, flood, opened, pause, say

UNREADABLE = "backend sent something unreadable"
NO_COMPLETION = "backend answered with something that is not a completion"
PAGE = f"<html><title>Gateway</title>{CANARY}</html>"
CERTIFICATE = Path(__file__).parents[1] / "backend" / "data" / "self_signed.pem"


@contextmanager
def over(url: str) -> Iterator[Bench]:
    """Another service, over another backend, in a thread of this process."""
    quick = {**TIMES, "FACADE_CONNECT_TIMEOUT": "0.3", "FACADE_MODELS_TTL": "0"}
    app = build(load({**quick, "OPENAI_BASE_URL": url}))
    with served(app, "on") as port:
        yield Near(port)


class Near(Bench):
    """A service of which only the port matters."""

    def __init__(self, port: int) -> None:
        self._port = port

    @property
    def port(self) -> int:
        return self._port


def refuses(bench: Bench, status: int, text: str) -> None:
    """A failure is the same for a stream and for a whole answer."""
    for stream in (True, False):
        answered = bench.post({**CHAT, "stream": stream})
        assert (answered.status, error_of(answered)) == (status, text)


def test_r71_a_backend_that_is_not_there_is_unreachable(bench: Bench) -> None:
    full = socket.create_server(("127.0.0.1", 0), backlog=0)
    plugs = [socket.socket() for _ in range(4)]
    with full:
        for plug in plugs:
            plug.setblocking(False)
            plug.connect_ex(full.getsockname())
        urls = (
            f"http://127.0.0.1:{free_port()}/v1",
            "http://no-such-host.invalid/v1",
            f"http://127.0.0.1:{full.getsockname()[1]}/v1",
        )
        for url in urls:
            with over(url) as broken:
                refuses(broken, 502, "backend unreachable")
                assert broken.get("/").status == 200
                assert broken.get("/healthz").status == 200
                ready = broken.get("/readyz")
                assert (ready.status, error_of(ready)) == (503, "backend unreachable")
        for plug in plugs:
            plug.close()


@contextmanager
def speaking(first: bytes, *, tls: bool = False) -> Iterator[int]:
    """A port where every connection gets some bytes, or a handshake with a bad certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
                with connection:
                    connection.settimeout(1)
                    if tls:
                        context.wrap_socket(connection, server_side=True)
                    connection.sendall(first)
                    connection.recv(1000)
            except ssl.SSLError:
                continue
            except OSError:
                return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(5)


def test_r72_a_backend_without_a_good_handshake_is_unreachable(bench: Bench) -> None:
    for first, tls in ((b"", True), (b"SSH-2.0-OpenSSH_9.9\r\n", False)):
        with speaking(first, tls=tls) as port, over(f"https://127.0.0.1:{port}/v1") as broken:
            refuses(broken, 502, "backend unreachable")
    with over(bench.upstream.base_url.replace("http:", "https:")) as broken:
        refuses(broken, 502, "backend unreachable")
    with speaking(b"SSH-2.0-OpenSSH_9.9\r\n") as port, over(f"http://127.0.0.1:{port}/v1") as odd:
        answered = odd.chat()
        assert answered.status == 502
        assert "SSH" not in answered.text


@pytest.mark.parametrize(
    ("status", "body", "media_type", "streamed", "whole"),
    (
        (200, PAGE, "text/html", NO_COMPLETION, UNREADABLE),
        (200, {"hello": "world"}, "application/json", NO_COMPLETION, NO_COMPLETION),
        (200, b"{}\n{}\n", "application/x-ndjson", NO_COMPLETION, UNREADABLE),
        (200, "plain", "text/plain", NO_COMPLETION, UNREADABLE),
        (204, "", "text/plain", NO_COMPLETION, UNREADABLE),
        (304, "", "text/plain", NO_COMPLETION, NO_COMPLETION),
        (404, PAGE, "text/html", "no such path at the backend", "no such path at the backend"),
        (502, PAGE, "text/html", "backend failed", "backend failed"),
        (500, "", "text/plain", "backend failed", "backend failed"),
    ),
)
def test_r73_an_answer_of_another_kind_is_reported_without_its_text(
    bench: Bench, status: int, body: Any, media_type: str, streamed: str, whole: str
) -> None:
    bench.script([answer(status, body, media_type=media_type)])
    for stream, text in ((True, streamed), (False, whole)):
        answered = bench.post({**CHAT, "stream": stream})
        assert answered.status == (500 if status == 500 else 502)
        assert error_of(answered) == text


@pytest.mark.parametrize("status", (301, 302, 303, 307, 308))
def test_r74_a_redirect_is_not_followed(bench: Bench, status: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.settimeout(0.05)
        places = [
            f"http://127.0.0.1:{trap.getsockname()[1]}/v1/chat/completions",
            "file:///etc/passwd",
            "http://169.254.169.254/latest/meta-data/",
            f"{bench.upstream.base_url}/chat/completions",
        ]
        for place in places:
            bench.script([answer(status, "", {"Location": place})])
            refuses(bench, 502, "backend redirected")
            assert len(bench.upstream.generations()) == 2
        with pytest.raises(TimeoutError):
            trap.accept()


@pytest.mark.parametrize("status", (401, 403))
def test_r75_a_refused_key_is_the_operators_matter(bench: Bench, status: int) -> None:
    bench.script([answer(status, {"error": {"message": f"Incorrect API key: {CANARY}"}})])
    refuses(bench, 502, "backend refused the proxy's credentials")


@pytest.mark.parametrize(
    "body",
    (
        {"error": {"message": "The model `native` does not exist", "code": "model_not_found"}},
        {"object": "error", "message": "The model `native` does not exist.", "code": 404},
        {"error": {"code": 404, "message": "model not found", "type": "not_found_error"}},
        {"error": {"message": "No endpoints found for native.", "code": 404}},
        {"detail": "Model not found"},
    ),
)
def test_r76_a_model_that_the_backend_lacks_is_not_found(bench: Bench, body: Any) -> None:
    bench.script([answer(404, body)])
    refuses(bench, 404, "model 'native' not found")


@pytest.mark.parametrize(
    ("status", "body", "text"),
    (
        (400, {"error": {"message": "maximum context length is 4096"}}, "maximum context length"),
        (400, {"error": {"message": "a\nb\tc"}}, "a b c"),
        (422, {"detail": [{"loc": ["body"], "msg": "field required"}]}, "field required"),
        (400, {"error": {"message": "x" * 5000}}, "x" * 499),
    ),
)
def test_r77_a_refused_request_is_reported_in_the_backends_words(
    bench: Bench, status: int, body: Any, text: str
) -> None:
    bench.script([answer(status, body)])
    for stream in (True, False):
        answered = bench.post({**CHAT, "stream": stream})
        assert answered.status == 400
        assert text in error_of(answered)
        assert len(error_of(answered)) <= 500


@pytest.mark.parametrize(("status", "ours"), ((408, 504), (409, 409), (413, 413), (415, 502)))
def test_r78_other_refusals_have_their_statuses(bench: Bench, status: int, ours: int) -> None:
    bench.script([answer(status, {"error": "because"})])
    refuses(bench, ours, "because")


IN_AN_HOUR = "in an hour"
"""Stands for the date an hour after the request."""


@pytest.mark.parametrize(
    ("headers", "reported"),
    (
        ({}, None),
        ({"Retry-After": "7"}, "7"),
        ({"Retry-After": "0.2"}, "1"),
        ({"retry-after-ms": "2500"}, "2"),
        ({"Retry-After": IN_AN_HOUR}, "3600"),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "99999999"}, None),
        ({"Retry-After": "soon"}, None),
    ),
)
def test_r79_a_limit_is_passed_on_and_nothing_is_asked_twice(
    bench: Bench, headers: dict[str, str], reported: str | None
) -> None:
    if IN_AN_HOUR in headers.values():
        hour = datetime.now(UTC) + timedelta(hours=1)
        headers = {"Retry-After": format_datetime(hour, usegmt=True)}
    bench.script([answer(429, {"error": {"message": "slow down"}}, headers)])
    answered = bench.chat()
    assert (answered.status, error_of(answered)) == (429, "slow down")
    after = answered.header("retry-after")
    if reported == "3600":
        assert 0 < int(after or 0) <= 3600
    else:
        assert after is None if reported is None else str(after).startswith(reported)
    assert len(bench.upstream.generations()) == 1


@pytest.mark.parametrize(
    ("status", "ours"),
    ((500, 500), (502, 502), (503, 503), (504, 504), (529, 503), (599, 502), (999, 502)),
)
def test_r80_failures_have_their_statuses_and_nothing_is_asked_twice(
    bench: Bench, status: int, ours: int
) -> None:
    bench.script([answer(status, {"error": "because"})])
    answered = bench.chat()
    assert (answered.status, error_of(answered)) == (ours, "because")
    assert len(bench.upstream.generations()) == 1


@pytest.mark.parametrize(
    "body",
    (
        {"error": "because"},
        {"error": {"message": "because"}},
        {"message": "because"},
        {"detail": "because"},
        [{"error": {"message": "because"}}],
        "because",
        {"error": "\x1b[31mbecause\x1b[0m\x07"},
        {"error": "\nbecause\r\n"},
    ),
    ids=repr,
)
def test_r81_the_message_is_found_wherever_it_is(bench: Bench, body: Any) -> None:
    bench.script([answer(400, body)])
    refuses(bench, 400, "because")


PHRASE = "backend is overloaded"


@pytest.mark.parametrize(
    ("body", "text"),
    (
        *(
            (7, PHRASE),
            ([], PHRASE),
            ({}, PHRASE),
            (None, PHRASE),
            (b"", PHRASE),
            (b"\x07", PHRASE),
        ),
        *((b"\xff\xfe", "\ufffd\ufffd"), (b"{", "{")),
    ),
)
def test_r81_without_a_message_there_is_a_phrase(bench: Bench, body: Any, text: str) -> None:
    bench.script([answer(503, body)])
    answered = bench.chat()
    assert answered.status == 503
    assert error_of(answered) == text


@pytest.mark.parametrize("kind", ("text/plain", "application/json", "text/event-stream"))
def test_r81_an_endless_error_is_not_kept(bench: Bench, kind: str) -> None:
    before = bench.forget_peak()
    bench.script([opened(500, kind), flood(1 << 40)])
    for stream in (True, False):
        answered = bench.post({**CHAT, "stream": stream})
        assert answered.status == 500
        assert 0 < len(error_of(answered)) <= 500
    bench.upstream.wait_for_hang_up()
    assert bench.peak() - before < 8


@given(
    body=st.binary(max_size=60)
    | st.text(max_size=30).map(lambda text: json.dumps({"error": text}).encode())
)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_r81_any_bytes_are_an_error(bench: Bench, body: bytes) -> None:
    bench.script([answer(400, body)])
    answered = bench.chat()
    assert answered.status == 400
    assert error_of(answered)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f]", error_of(answered))


def vectors(*entries: Any, **more: Any) -> Any:
    return {"object": "list", "data": list(entries), "model": "emb", **more}


def entry(index: Any, vector: Any) -> dict[str, Any]:
    return {"object": "embedding", "index": index, "embedding": vector}


def embed(bench: Bench, body: Any) -> Any:
    bench.script([answer(200, body)])
    return bench.post({"model": "emb", "input": ["a", "b"]}, "/api/embed")


def test_r82_vectors_are_put_in_order_and_read_in_every_form(bench: Bench) -> None:
    good = embed(bench, vectors(entry(1, [0, 2]), entry(0, [3, 0])))
    assert good.json()["embeddings"] == [[1, 0], [0, 1]]
    assert "prompt_eval_count" not in good.json()
    text = embed(bench, vectors(entry(0, "AACAPwAAAAA="), entry(1, "AAAAAAAAgD8=")))
    assert text.json()["embeddings"] == [[1, 0], [0, 1]]


@pytest.mark.parametrize(
    "body",
    (
        vectors(entry(0, [1, 0])),
        vectors(*[entry(number, [1, 0]) for number in range(3)]),
        vectors(entry(0, [1, 0]), entry(1, [1])),
        vectors(entry(0, [1, 0]), entry(1, None)),
        vectors(entry(0, [1, 0]), entry(1, ["x", 0])),
        vectors(entry(0, [1, 0]), entry(1, "!!!")),
        vectors(),
        {"data": None},
        [],
        PAGE,
    ),
    ids=lambda body: str(body)[:60],
)
def test_r82_vectors_that_cannot_be_right_are_refused(bench: Bench, body: Any) -> None:
    answered = embed(bench, body)
    assert answered.status == 502, answered.text
    assert error_of(answered)


def test_r82_a_vector_without_a_length_is_named_as_ollama_does(bench: Bench) -> None:
    body = b'{"data":[{"index":0,"embedding":[NaN,1]},{"index":1,"embedding":[1,0]}]}'
    answered = embed(bench, body)
    assert (answered.status, error_of(answered)) == (
        400,
        "embedding contains NaN or Inf values",
    )


ODD_NAMES = ("a b", "größe", "../../etc/passwd", "x" * 10_000, "", "a\nb", 'q"uote', "org/m:tag")


def test_r83_a_list_of_models_may_be_odd(bench: Bench) -> None:
    with Upstream() as other, over(other.base_url) as near:
        listed_oddly(other, near)


def listed_oddly(other: Upstream, near: Bench) -> None:
    def listed(data: Any) -> Any:
        other.script([answer(200, data)], path="/v1/models")
        found = near.get("/api/tags")
        assert near.get("/readyz").status == (200 if found.status == 200 else 503)
        return found

    # A list that was good is kept for a while: what never was one comes first.
    for data in ({"object": "list"}, [], PAGE, {"data": 5}):
        broken = listed(data)
        assert broken.status == 502
        assert "html" not in broken.text
    odd = [{"id": name} for name in ODD_NAMES] + [None, 7, {}, {"id": 5}, {"id": None}]
    names = [model["name"] for model in listed({"data": odd}).json()["models"]]
    for name in ("a b", "größe", "../../etc/passwd"):
        assert any(shown.startswith(name) for shown in names)
    assert listed({"data": []}).json() == {"models": []}
    many = listed({"data": [{"id": f"m{number}"} for number in range(10_000)]})
    assert len(many.json()["models"]) == 10_000


def test_r84_a_backend_that_restarts_between_two_requests_is_asked_anew(bench: Bench) -> None:
    first = Upstream()
    first.__enter__()
    with over(first.base_url) as near:
        assert near.post(CHAT).status == 200
        first.__exit__()
        with Upstream(port=first.port) as second:
            answered = near.post(CHAT)
            assert answered.status == 200
            assert answered.lines()[-1]["done"] is True
            assert len(second.generations()) == 1


def test_r84_a_kept_connection_that_was_closed_is_not_used(bench: Bench) -> None:
    bench.script([say("Hello"), finish(), done()], [cut()])
    assert frames_of(bench.chat()) == "Hello"
    answered = bench.chat()
    assert (answered.status, error_of(answered)) == (502, "backend connection was lost")
    assert len(bench.upstream.generations()) == 2


def test_r85_the_queue_is_shorter_than_the_pool(bench: Bench) -> None:
    bench.script([pause(0.2), say("Hello"), finish(), done()])
    clients = [bench.asking() for _ in range(QUEUE + 5)]
    answers = [client.read_answer() for client in clients]
    for client in clients:
        client.close()
    assert sorted(answered.status for answered in answers) == [200] * QUEUE + [503] * 5
