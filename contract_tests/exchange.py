"""Requests to the server under test, every one of them recorded.

`Asker` sends whatever bytes a test wants; `Clients` are Ollama's own. Both go through one
recording transport, so that a finding can show the request and a curl line to repeat it.
"""

from __future__ import annotations

import base64
import json
import shlex
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import ollama

from contract_tests.contract import endpoint_of
from contract_tests.target import Target

TIMEOUT = 120.0
KEPT = 50
"""How many exchanges of one test are kept: a generating test has hundreds."""


@dataclass
class Exchange:
    """A request and what came back: `pieces` are the bytes as they arrived, with the seconds."""

    method: str
    url: str
    path: str
    headers: list[tuple[str, str]]
    content: bytes
    status: int | None = None
    answer_headers: list[tuple[str, str]] = field(default_factory=list)
    pieces: list[tuple[float, bytes]] = field(default_factory=list)
    failure: str = ""
    began: float = field(default_factory=time.monotonic)

    @property
    def endpoint(self) -> str:
        """The operation as the contract writes it: `POST /api/chat`."""
        return endpoint_of(self.method, self.path)

    @property
    def body(self) -> bytes:
        return b"".join(piece for _, piece in self.pieces)

    def summary(self) -> str:
        """Status and the start of the body."""
        said = self.failure or f"status {self.status}"
        return f"{self.method} {self.path} -> {said}: {self.body[:500]!r}"

    def curl(self) -> str:
        """A line for a shell that sends the same; the key is in `$OLLAMA_API_KEY`, not here."""
        words = ["curl", "-sS", "-i"]
        words += ["-I"] if self.method == "HEAD" else ["-X", self.method]
        words.append(shlex.quote(self.url))
        for name, value in self.headers:
            if name == "authorization":
                words += ["-H", '"Authorization: Bearer $OLLAMA_API_KEY"']
            elif name not in TRANSPORT_HEADERS:
                words += ["-H", shlex.quote(f"{name}: {value}")]
        if not self.content:
            return " ".join(words)
        try:
            written = self.content.decode()
        except UnicodeDecodeError:
            written = "\0"
        if "\0" in written:
            encoded = base64.b64encode(self.content).decode()
            return f"echo {encoded} | base64 -d | {' '.join(words)} --data-binary @-"
        return " ".join([*words, "--data-binary", shlex.quote(written)])


TRANSPORT_HEADERS = ("host", "accept", "accept-encoding", "connection", "content-length")


class Recorder:
    """The exchanges of the test that runs."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []

    def clear(self) -> None:
        self.exchanges.clear()

    def begin(self, request: httpx.Request, content: bytes) -> Exchange:
        exchange = Exchange(
            request.method,
            str(request.url),
            request.url.raw_path.decode("ascii"),
            [(name.lower(), value) for name, value in request.headers.multi_items()],
            content,
        )
        self.exchanges.append(exchange)
        del self.exchanges[:-KEPT]
        return exchange

    def last(self, endpoint: str = "") -> Exchange | None:
        """The last exchange, or the last with an endpoint."""
        fitting = (one for one in reversed(self.exchanges) if endpoint in ("", one.endpoint))
        return next(fitting, None)


class _Bytes(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body on its way, written down as it passes."""

    def __init__(self, stream: Any, exchange: Exchange) -> None:
        self._stream, self._exchange = stream, exchange

    def _note(self, piece: bytes) -> bytes:
        self._exchange.pieces.append((time.monotonic() - self._exchange.began, piece))
        return piece

    def __iter__(self) -> Iterator[bytes]:
        try:
            for piece in self._stream:
                yield self._note(piece)
        except httpx.HTTPError as error:
            self._exchange.failure = f"{type(error).__name__}: {error}"
            raise

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._stream:
                yield self._note(piece)
        except httpx.HTTPError as error:
            self._exchange.failure = f"{type(error).__name__}: {error}"
            raise

    def close(self) -> None:
        self._stream.close()

    async def aclose(self) -> None:
        await self._stream.aclose()


def _noted(response: httpx.Response, exchange: Exchange) -> httpx.Response:
    exchange.status = response.status_code
    exchange.answer_headers = [
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw
    ]
    response.stream = _Bytes(response.stream, exchange)
    return response


class RecordingTransport(httpx.BaseTransport):
    """httpx's own transport; the recorder sees what passes."""

    def __init__(self, recorder: Recorder) -> None:
        self._inner, self._recorder = httpx.HTTPTransport(), recorder

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        exchange = self._recorder.begin(request, request.read())
        try:
            return _noted(self._inner.handle_request(request), exchange)
        except httpx.HTTPError as error:
            exchange.failure = f"{type(error).__name__}: {error}"
            raise

    def close(self) -> None:
        self._inner.close()


class AsyncRecordingTransport(httpx.AsyncBaseTransport):
    """The same for an asynchronous client."""

    def __init__(self, recorder: Recorder) -> None:
        self._inner, self._recorder = httpx.AsyncHTTPTransport(), recorder

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        exchange = self._recorder.begin(request, await request.aread())
        try:
            return _noted(await self._inner.handle_async_request(request), exchange)
        except httpx.HTTPError as error:
            exchange.failure = f"{type(error).__name__}: {error}"
            raise

    async def aclose(self) -> None:
        await self._inner.aclose()


@dataclass(frozen=True)
class Answer:
    """What came back, byte for byte; `pieces` with the seconds after which each arrived."""

    status: int
    headers: httpx.Headers
    body: bytes
    pieces: tuple[tuple[float, bytes], ...]

    @property
    def media_type(self) -> str:
        """The content type without its parameters."""
        return str(self.headers.get("content-type", "")).partition(";")[0].strip().lower()

    def json(self) -> Any:
        """The body as one JSON value; raises AssertionError when it is none."""
        return _value(self.body)

    def lines(self) -> list[dict[str, Any]]:
        """The objects of an NDJSON body; raises AssertionError when a line is none."""
        values = [_value(line) for line in self.body.split(b"\n") if line]
        for value in values:
            assert isinstance(value, dict), f"a line that is no object: {value!r}"
        return values

    def error(self) -> str:
        """The text of `{"error": …}`; empty when the body is something else."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return ""
        said = value.get("error") if isinstance(value, dict) else None
        return said if isinstance(said, str) else ""


def _value(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise AssertionError(f"no JSON ({error}): {text[:300]!r}") from None


class Asker:
    """`ask("POST", "/api/chat", {...})`: one request, its whole answer.

    A dict or list is sent as JSON with its content type, a string or bytes as they stand, None is
    no body. Raises httpx.HTTPError when no whole answer comes.
    """

    def __init__(self, target: Target, recorder: Recorder) -> None:
        self._target = target
        self._client = httpx.Client(transport=RecordingTransport(recorder), trust_env=False)
        self._client.headers.clear()

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = TIMEOUT,
    ) -> Answer:
        sent = dict(headers or {})
        content = body.encode() if isinstance(body, str) else body
        if isinstance(body, (dict, list)):
            content = json.dumps(body).encode()
            if not any(name.lower() == "content-type" for name in sent):
                sent["Content-Type"] = "application/json"
        given = {**self._target.headers(), **sent}
        request = self._client.build_request(
            method, self._target.url + path, content=content, headers=given, timeout=timeout
        )
        began = time.monotonic()
        response = self._client.send(request, stream=True)
        try:
            pieces = tuple((time.monotonic() - began, piece) for piece in response.iter_raw())
        finally:
            response.close()
        body_bytes = b"".join(piece for _, piece in pieces)
        return Answer(response.status_code, response.headers, body_bytes, pieces)

    def close(self) -> None:
        self._client.close()


class Clients:
    """Ollama's own Python clients on the target: `sync`, and `new_async()` inside a loop."""

    def __init__(self, target: Target, recorder: Recorder) -> None:
        self._target, self._recorder = target, recorder
        self.sync = ollama.Client(
            target.url,
            headers=target.headers(),
            transport=RecordingTransport(recorder),
            timeout=TIMEOUT,
            trust_env=False,
        )

    def new_async(self) -> ollama.AsyncClient:
        """An asynchronous client; it belongs to the event loop that uses it first."""
        return ollama.AsyncClient(
            self._target.url,
            headers=self._target.headers(),
            transport=AsyncRecordingTransport(self._recorder),
            timeout=TIMEOUT,
            trust_env=False,
        )

    def close(self) -> None:
        self.sync._client.close()
