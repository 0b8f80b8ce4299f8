"""The backend's client against a scripted server on a real socket (faults.md §3.3, §3.4)."""

from __future__ import annotations

import asyncio
import base64
import gzip
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from ollama_facade.backend.client import Backend
from ollama_facade.clock import Clock
from ollama_facade.config import settings
from ollama_facade.errors import BackendError, SettingsError
from ollama_facade.translate.deltas import Usage, each_delta
from ollama_facade.translate.requests import BackendRequest
from tests.backend.conftest import Load
from tests.upstream import (
    Upstream,
    answer,
    cut,
    done,
    event,
    finish,
    flood,
    garbage,
    heartbeat,
    raw,
    reset,
    say,
    sliced,
    stall,
    usage,
)
from tests.upstream import (
    opened as head,
)

MESSAGES = [{"role": "user", "content": "Hi"}]


Stream = Callable[..., tuple[str, list[str], Usage | None]]


def request(*, stream: bool = True, **more: Any) -> BackendRequest:
    body: dict[str, Any] = {"model": "m", "messages": MESSAGES, "stream": stream}
    return BackendRequest("chat", body, **more)


@asynccontextmanager
async def opened(load: Load, upstream: Upstream, **environ: str) -> AsyncIterator[Backend]:
    """A Backend in front of the scripted server."""
    own = {"OPENAI_BASE_URL": upstream.base_url, "OPENAI_API_KEY": "sk-canary-1234"}
    backend = Backend(load(**{**own, **environ}))
    try:
        yield backend
    finally:
        await backend.close()


async def drain(backend: Backend, sent: BackendRequest) -> None:
    """Reads a stream to its end."""
    async with backend.open(sent) as response:
        async for _ in response.deltas():
            pass


@pytest.fixture
def stream(load: Load, upstream: Upstream) -> Stream:
    """Returns text, finish reasons and usage of one streamed response."""

    async def run(**environ: str) -> tuple[str, list[str], Usage | None]:
        text, reasons, counts = "", [], None
        async with (
            opened(load, upstream, **environ) as backend,
            backend.open(request()) as response,
        ):
            async for deltas in response.deltas():
                for delta in each_delta(deltas):
                    text += delta.content
                    reasons += [delta.finish] if delta.finish else []
                    counts = delta.usage or counts
        return text, reasons, counts

    return lambda **environ: asyncio.run(run(**environ))


def test_a_stream_is_read_as_deltas_with_its_usage(upstream: Upstream, stream: Stream) -> None:
    upstream.script([say("Hel", "lo"), finish(), usage(3, 2), done()])
    assert stream() == ("Hello", ["stop"], Usage(3, 2))


@pytest.mark.parametrize("size", (1, 2, 3, 7))
def test_bytes_may_come_in_any_slices(upstream: Upstream, stream: Stream, size: int) -> None:
    text = (
        'data: {"choices":[{"index":0,"delta":{"content":"é😀"}}]}\r\n\r\n'
        ': comment\n\ndata:{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    )
    upstream.script([head(), sliced(text.encode(), size)])
    assert stream()[:2] == ("é😀", ["stop"])


def test_an_answer_that_is_whole_although_a_stream_was_asked_for_is_taken(
    upstream: Upstream,
    stream: Stream,
) -> None:
    choice = {"index": 0, "message": {"content": "Hello"}, "finish_reason": "stop"}
    upstream.script([answer(200, {"choices": [choice]})])
    assert stream()[:2] == ("Hello", ["stop"])


def test_events_that_only_single_newlines_separate_are_understood(
    upstream: Upstream, stream: Stream
) -> None:
    line = b'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n'
    upstream.script([head(), raw(line + line + b"\n"), finish(), done()])
    assert stream()[0] == "aa"


@pytest.mark.parametrize(
    ("status", "body", "reply", "text"),
    (
        (401, {"error": {"message": "bad key sk-canary-1234"}}, 502, "credentials"),
        (403, "forbidden", 502, "credentials"),
        (404, {"error": {"message": "no model m"}}, 404, "model 'm' not found"),
        (404, "<html>nginx</html>", 502, "no such path at the backend"),
        (404, {"detail": "Not Found"}, 502, "no such path at the backend"),
        (
            404,
            {"error": {"message": "Invalid URL (POST /v1/x)"}},
            502,
            "no such path at the backend",
        ),
        (400, {"error": {"message": "too long"}}, 400, "too long"),
        (422, {"detail": [{"msg": "field required"}]}, 400, "field required"),
        (408, "", 504, "backend timed out"),
        (409, {"message": "busy"}, 409, "busy"),
        (413, "", 413, "request too large for the backend"),
        (415, "", 502, "backend failed"),
        (429, {"error": "slow down"}, 429, "slow down"),
        (500, "", 500, "backend failed"),
        (502, "<html>", 502, "backend failed"),
        (503, {"error": {"message": "loading"}}, 503, "loading"),
        (504, "", 504, "backend timed out"),
        (529, "", 503, "backend failed"),
        (599, "", 502, "backend failed"),
        (307, "", 502, "backend redirected"),
        (304, "", 502, "not a completion"),
        (402, {"error": {"message": "no credits"}}, 402, "no credits"),
        (418, {"error": "teapot"}, 418, "teapot"),
        (501, {"error": {"message": "no embeddings"}}, 501, "no embeddings"),
        (999, "", 502, "backend failed"),
        # OpenAI, vLLM, llama.cpp in router mode, OpenRouter (faults.md row 76)
        (404, {"error": {"message": "x", "code": "model_not_found"}}, 404, "model 'm' not found"),
        (404, {"object": "error", "message": "x", "code": 404}, 404, "model 'm' not found"),
        (
            404,
            {"error": {"code": 404, "type": "not_found_error", "message": "x"}},
            404,
            "not found",
        ),
        (404, {"error": {"message": "No endpoints found", "code": 404}}, 404, "not found"),
        (400, {"error": {"message": "a\nb\x1b[31mc"}}, 400, "a b c"),
        (400, [{"error": {"message": "from a list"}}], 400, "from a list"),
        (400, 7, 400, "backend refused the request"),
        (400, b"\xff\xfe", 400, "\ufffd"),
    ),
)
def test_a_status_of_the_backend_becomes_the_clients(
    upstream: Upstream, stream: Stream, status: int, body: Any, reply: int, text: str
) -> None:
    upstream.script([answer(status, body, {"Location": "http://127.0.0.1:1/"})])
    with pytest.raises(BackendError) as caught:
        stream()
    assert caught.value.status == reply
    assert "canary" not in caught.value.message
    assert text in caught.value.message
    assert len(upstream.generations()) == 1


@pytest.mark.parametrize(
    ("headers", "passed"),
    (
        ({"Retry-After": "7"}, "7"),
        ({"Retry-After": "0.2"}, "1"),
        ({"retry-after-ms": "2500"}, "2"),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, None),
        ({"Retry-After": "99999999"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({}, None),
    ),
)
def test_a_sensible_retry_after_is_passed_on(
    upstream: Upstream, stream: Stream, headers: dict[str, str], passed: str | None
) -> None:
    upstream.script([answer(429, {"error": "slow down"}, headers)])
    with pytest.raises(BackendError) as caught:
        stream()
    assert caught.value.headers.get("Retry-After") == passed


SCENARIOS = {
    "garbage": ([head(), garbage()], "backend sent something unreadable"),
    "a page": ([answer(200, "<html>", media_type="text/html")], "not a completion"),
    "nothing": ([answer(204)], "not a completion"),
    "json of another kind": ([answer(200, {"object": "list"})], "not a completion"),
    "an error event": ([head(), event({"error": {"message": "boom"}})], "boom"),
    "a named error event": ([head(), raw(b'event: error\ndata: {"message":"boom"}\n\n')], "boom"),
    "a reset": ([say("a"), reset()], "backend connection was lost"),
    "a cut chunk": ([say("a"), cut()], "backend connection was lost"),
    "compression": (
        [answer(200, gzip.compress(b"{}"), {"Content-Encoding": "gzip"})],
        "backend compressed its answer",
    ),
    "an endless line": ([head(), flood(20_000_000)], "backend sent a line over 8 MB"),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_broken_answer_is_one_error(upstream: Upstream, stream: Stream, name: str) -> None:
    steps, text = SCENARIOS[name]
    upstream.script(steps)
    with pytest.raises(BackendError, match=text) as caught:
        stream()
    assert caught.value.status == 502


def test_silence_before_the_first_delta_is_a_timeout(upstream: Upstream, stream: Stream) -> None:
    upstream.script([stall()])
    with pytest.raises(BackendError, match="backend timed out") as caught:
        stream(FACADE_FIRST_TOKEN_TIMEOUT="0.2")
    assert caught.value.status == 504


def test_comments_do_not_count_as_an_answer(upstream: Upstream, stream: Stream) -> None:
    upstream.script([say("a"), heartbeat(0.05)])
    with pytest.raises(BackendError, match="backend stopped answering"):
        stream(FACADE_IDLE_TIMEOUT="0.3")


def test_a_connection_that_parks_after_the_finish_reason_ends_normally(
    upstream: Upstream, stream: Stream
) -> None:
    upstream.script([say("a"), finish(), heartbeat(0.05)])
    assert stream(FACADE_TAIL_TIMEOUT="0.2")[:2] == ("a", ["stop"])


def test_a_retry_after_that_is_a_date_becomes_seconds(upstream: Upstream, stream: Stream) -> None:
    at = formatdate(Clock().wall() / 1e9 + 90, usegmt=True)
    upstream.script([answer(429, {"error": "slow down"}, {"Retry-After": at})])
    with pytest.raises(BackendError) as caught:
        stream()
    assert 80 <= int(caught.value.headers["Retry-After"]) <= 91


@pytest.mark.parametrize("status", (301, 302, 307, 308))
def test_nobody_is_asked_where_a_redirect_leads(
    upstream: Upstream, stream: Stream, status: int
) -> None:
    with Upstream() as elsewhere:
        location = f"{elsewhere.base_url}/chat/completions"
        upstream.script([answer(status, "", {"Location": location})])
        with pytest.raises(BackendError, match="backend redirected"):
            stream()
        assert elsewhere.requested == []


@pytest.mark.parametrize("url", ("http://127.0.0.1:1/v1", "http://backend.invalid/v1"))
def test_a_backend_that_is_not_there_is_unreachable(load: Load, url: str) -> None:
    assert_unreachable(load, url)


def test_a_backend_without_tls_at_an_address_with_it_is_unreachable(
    upstream: Upstream, load: Load
) -> None:
    assert_unreachable(load, upstream.base_url.replace("http:", "https:"))


SELF_SIGNED = Path(__file__).parent / "data" / "self_signed.pem"
"""A certificate that nobody trusts, for 127.0.0.1, and the key to it."""


@contextmanager
def tls(upstream: Upstream) -> Iterator[str]:
    """An address with TLS, its certificate SELF_SIGNED, in front of a scripted server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(SELF_SIGNED)
    loop = asyncio.new_event_loop()
    ready, stop = threading.Event(), asyncio.Event()
    address: list[str] = []

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection("127.0.0.1", upstream.port)
        try:
            await asyncio.gather(copy(reader, forth), copy(back, writer), return_exceptions=True)
        finally:
            forth.close()
            writer.close()

    async def serve() -> None:
        server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context)
        address.append(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1")
        ready.set()
        await stop.wait()
        server.close()
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    ready.wait(10)
    try:
        yield address[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


def test_a_certificate_that_nobody_trusts_is_unreachable(upstream: Upstream, load: Load) -> None:
    with tls(upstream) as url:
        assert_unreachable(load, url)


def test_a_certificate_that_the_operator_trusts_is_good(upstream: Upstream, stream: Stream) -> None:
    upstream.script([say("Hello"), finish(), done()])
    with tls(upstream) as url:
        more = {"OPENAI_BASE_URL": url, "FACADE_BACKEND_CA_FILE": str(SELF_SIGNED)}
        assert stream(**more)[0] == "Hello"


def assert_unreachable(load: Load, url: str) -> None:
    async def run() -> None:
        backend = Backend(load(OPENAI_BASE_URL=url))
        try:
            async with backend.open(request(stream=False)) as response:
                await response.completion()
        finally:
            await backend.close()

    with pytest.raises(BackendError, match="backend unreachable") as caught:
        asyncio.run(run())
    assert caught.value.status == 502


def test_leaving_the_block_closes_the_connection(upstream: Upstream, load: Load) -> None:
    upstream.script([say("a"), stall()])

    async def leave() -> None:
        async with opened(load, upstream) as backend:
            async with backend.open(request()) as response:
                deltas = await anext(response.deltas())
                assert [delta.content for delta in each_delta(deltas)] == ["a"]
            await asyncio.to_thread(upstream.wait_for_hang_up, 2.0)

    asyncio.run(leave())


def test_connections_are_used_again_after_a_stream(upstream: Upstream, load: Load) -> None:
    upstream.script([say("a"), finish(), usage(1, 1), done()])

    async def run() -> None:
        async with opened(load, upstream) as backend:
            for _ in range(3):
                await drain(backend, request())

    asyncio.run(run())
    assert len(upstream.generations()) == 3


Headers = Callable[..., dict[str, str]]


@pytest.fixture
def headers_of(load: Load, upstream: Upstream) -> Headers:
    """Returns the headers that the backend saw of one request."""

    async def run(authorization: str, environ: dict[str, str]) -> None:
        async with opened(load, upstream, **environ) as backend:
            await drain(backend, request(authorization=authorization))

    def headers(authorization: str = "", **environ: str) -> dict[str, str]:
        upstream.script([finish(), done()])
        asyncio.run(run(authorization, environ))
        return upstream.generations()[0].headers

    return headers


def test_the_key_goes_to_the_backend_and_nothing_else_of_us(
    headers_of: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-the-environment")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Environment: yes\nUser-Agent: other")
    headers = headers_of("Bearer of-the-client")
    assert headers["authorization"] == "Bearer sk-canary-1234"
    assert headers["accept-encoding"] == "identity"
    assert headers["user-agent"].startswith("AsyncOpenAI/Python")
    assert not any(name.startswith("openai-") for name in headers)
    assert "x-environment" not in headers


def test_without_a_key_no_authorization_is_sent(headers_of: Headers) -> None:
    assert "authorization" not in headers_of("Bearer of-the-client", OPENAI_API_KEY="")


@pytest.mark.parametrize("sent", ("Bearer of-the-client", ""))
def test_a_clients_key_goes_along_where_it_is_wanted_and_ours_never(
    headers_of: Headers, sent: str
) -> None:
    headers = headers_of(sent, FACADE_FORWARD_KEY="1")
    assert headers.get("authorization", "") == sent


@pytest.mark.parametrize(("status", "text"), ((401, "unauthorized"), (403, "forbidden")))
def test_a_clients_own_key_that_is_refused_is_the_clients_to_mend(
    upstream: Upstream, stream: Stream, status: int, text: str
) -> None:
    upstream.script([answer(status, {"error": "bad key sk-canary-1234"})])
    with pytest.raises(BackendError) as caught:
        stream(FACADE_FORWARD_KEY="1")
    assert (caught.value.status, caught.value.message) == (status, text)


def test_the_operators_headers_organization_and_project_are_sent(headers_of: Headers) -> None:
    headers = headers_of(
        OPENAI_ORG_ID="org-1",
        OPENAI_PROJECT_ID="proj-1",
        FACADE_BACKEND_HEADERS="api-key: secret, really\nX-Team: search",
    )
    assert headers["openai-organization"] == "org-1"
    assert headers["openai-project"] == "proj-1"
    assert headers["api-key"] == "secret, really"
    assert headers["x-team"] == "search"


def test_an_authorization_of_the_operators_own_is_sent_where_there_is_no_key(
    headers_of: Headers,
) -> None:
    more = {"OPENAI_API_KEY": "", "FACADE_BACKEND_HEADERS": "Authorization: Basic abc"}
    assert headers_of(**more)["authorization"] == "Basic abc"


@pytest.mark.parametrize("user", ("", "us%40er:pass@"))
def test_a_proxy_gets_the_request_instead_of_the_backend(
    upstream: Upstream, load: Load, user: str
) -> None:
    upstream.script([finish(), done()], path="http://backend.invalid/v1/chat/completions")

    async def run() -> None:
        async with opened(
            load,
            upstream,
            OPENAI_BASE_URL="http://backend.invalid/v1",
            FACADE_BACKEND_PROXY=f"http://{user}127.0.0.1:{upstream.port}",
        ) as backend:
            for _ in range(2):
                await drain(backend, request())

    asyncio.run(run())
    path = "http://backend.invalid/v1/chat/completions"
    assert [received.path for received in upstream.requested] == [path, path]
    credentials = "Basic " + base64.b64encode(b"us@er:pass").decode() if user else None
    sent = [received.headers.get("proxy-authorization") for received in upstream.requested]
    assert sent == [credentials, credentials]


def test_a_file_of_certificates_that_cannot_be_used_ends_the_start(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    environ = {"OPENAI_BASE_URL": "https://b/v1", "FACADE_BACKEND_CA_FILE": str(path)}
    with pytest.raises(SettingsError, match=r"FACADE_BACKEND_CA_FILE: .*ca\.pem"):
        Backend(settings.load(environ))
    path.write_text("no certificate")
    with pytest.raises(SettingsError, match="it holds no certificate"):
        Backend(settings.load(environ))


def test_models_and_their_metadata_are_merged(upstream: Upstream, load: Load) -> None:
    async def run() -> list[dict[str, Any]]:
        async with opened(load, upstream) as backend:
            return await backend.models()

    entries = asyncio.run(run())
    assert entries[0]["id"]
    assert entries[0]["capabilities"]


def test_a_cookie_of_the_backend_is_not_sent_back(upstream: Upstream, load: Load) -> None:
    upstream.script([head(headers={"Set-Cookie": "session=of-one-client"}), finish(), done()])

    async def run() -> None:
        # Nobody keeps cookies of an address in digits.
        address = upstream.base_url.replace("127.0.0.1", "localhost")
        async with opened(load, upstream, OPENAI_BASE_URL=address) as backend:
            for _ in range(2):
                await drain(backend, request())
            await backend.models()

    asyncio.run(run())
    assert ["cookie" in received.headers for received in upstream.requested] == [
        False,
        False,
        False,
    ]


@pytest.mark.parametrize("status", (200, 400))
def test_a_response_is_read_up_to_a_limit(
    upstream: Upstream, load: Load, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr("ollama_facade.backend.transport.MAX_RESPONSE_BYTES", 100_000)
    upstream.script([answer(status, {"error": {"message": "x" * 2_000_000}})])

    async def run() -> None:
        async with opened(load, upstream) as backend, backend.open(request(stream=False)) as reply:
            await reply.value()

    with pytest.raises(BackendError) as caught:
        asyncio.run(run())
    kinds = {200: (502, "backend sent too much"), 400: (400, "{" + '"error"')}
    assert caught.value.status == kinds[status][0]
    assert caught.value.message.startswith(kinds[status][1])


def test_a_large_body_is_sent_whole(upstream: Upstream, load: Load) -> None:
    upstream.script([finish(), done()])
    messages = [{"role": "user", "content": "x" * 3_000_000}]

    async def run() -> None:
        async with opened(load, upstream) as backend:
            for _ in range(2):
                body = {"model": "m", "messages": messages, "stream": True}
                await drain(backend, BackendRequest("chat", body))

    asyncio.run(run())
    assert [received.body["messages"] == messages for received in upstream.generations()] == [
        True,
        True,
    ]
