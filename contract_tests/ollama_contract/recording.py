"""Every request to the server under test and its answer, written down as they pass."""

from __future__ import annotations

import base64
import shlex
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from ollama_contract.contract import endpoint_of

TRANSPORT_HEADERS = ("accept", "accept-encoding", "connection", "content-length")
SHOWN = 6000
"""How many bytes of a body are shown."""
MAX_EXCHANGES = 50
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
    complete: bool = False
    began: float = field(default_factory=time.monotonic)
    secret: str | None = field(default=None, repr=False)

    @property
    def endpoint(self) -> str:
        """The operation as the contract writes it: `POST /api/chat`."""
        return endpoint_of(self.method, self.path)

    @property
    def body(self) -> bytes:
        return b"".join(piece for _, piece in self.pieces)

    def request_text(self) -> str:
        """The request as it went out, without the key."""
        headers = (f"{name}: {value}" for name, value in self._own_headers())
        lines = [f"{self.method} {self.path}", *headers]
        return self._shown("\n".join(lines) + "\n\n", self.content)

    def answer_text(self) -> str:
        """The answer as it came, without the key."""
        if self.status is None:
            return self.failure or "no answer"
        lines = [str(self.status), *(f"{name}: {value}" for name, value in self.answer_headers)]
        end = f"\n({self.failure})" if self.failure else ""
        return self._shown("\n".join(lines) + "\n\n", self.body) + end

    def _own_headers(self) -> list[tuple[str, str]]:
        """The headers that the test asked for, not those that every request has."""
        host = httpx.URL(self.url).netloc.decode("ascii")
        return [
            (name, value)
            for name, value in self.headers
            if name not in TRANSPORT_HEADERS and (name, value) != ("host", host)
        ]

    def _shown(self, head: str, body: bytes) -> str:
        written = body[:SHOWN].decode("utf-8", "backslashreplace")
        more = f" … ({len(body)} bytes in all)" if len(body) > SHOWN else ""
        return redacted(f"{head}{written}{more}".rstrip(), self.secret)

    def summary(self) -> str:
        """Status and the start of the body."""
        stated = self.failure or f"status {self.status}"
        return redacted(f"{self.method} {self.path} -> {stated}: {self.body[:500]!r}", self.secret)

    def curl(self) -> str:
        """A line for a shell that sends the same; the key is in `$OLLAMA_API_KEY`, not here."""
        words = ["curl", "-sS", "-i"]
        words += ["-I"] if self.method == "HEAD" else ["-X", self.method]
        words.append(shlex.quote(self.url))
        for name, value in self._own_headers():
            header = f"{name}: {value}"
            if self.secret and self.secret in value:
                words += ["-H", f'"{redacted(header, self.secret)}"']
            else:
                words += ["-H", shlex.quote(header)]
        if self.content and all(name != "content-type" for name, _ in self.headers):
            words += ["-H", "'Content-Type:'"]  # else curl sends one of its own
        if not self.content:
            return " ".join(words)
        try:
            written = self.content.decode()
        except UnicodeDecodeError:
            written = "\0"
        if "\0" in written:
            encoded = base64.b64encode(self.content).decode()
            return f"echo {encoded} | base64 -d | {' '.join(words)} --data-binary @-"
        return " ".join([*words, "--data-binary", shlex.quote(redacted(written, self.secret))])


def redacted(text: str, secret: str | None) -> str:
    """The text with a name where the key was."""
    return text.replace(secret, "$OLLAMA_API_KEY") if secret else text


class Recorder:
    """The exchanges of the test that runs."""

    def __init__(self) -> None:
        self.ended: Callable[[Exchange], None] = lambda _exchange: None
        """Told of every exchange whose answer came whole."""
        self.exchanges: list[Exchange] = []
        self.endpoints: set[str] = set()
        self.secret: str | None = None

    def clear(self) -> None:
        self.exchanges.clear()
        self.endpoints.clear()

    def begin(self, request: httpx.Request, content: bytes) -> Exchange:
        exchange = Exchange(
            request.method,
            str(request.url),
            request.url.raw_path.decode("ascii"),
            [(name.lower(), value) for name, value in request.headers.multi_items()],
            content,
            secret=self.secret,
        )
        self.exchanges.append(exchange)
        self.endpoints.add(exchange.endpoint)
        del self.exchanges[:-MAX_EXCHANGES]
        return exchange

    def last(self, endpoint: str = "") -> Exchange | None:
        """The last exchange, or the last with an endpoint."""
        fitting = (one for one in reversed(self.exchanges) if endpoint in ("", one.endpoint))
        return next(fitting, None)


class _Bytes(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body on its way, written down as it passes."""

    def __init__(self, stream: Any, exchange: Exchange, ended: Callable[[Exchange], None]) -> None:
        self._stream, self._exchange, self._ended = stream, exchange, ended

    def _note(self, piece: bytes) -> bytes:
        self._exchange.pieces.append((time.monotonic() - self._exchange.began, piece))
        return piece

    def _end(self) -> None:
        self._exchange.complete = True
        self._ended(self._exchange)

    def __iter__(self) -> Iterator[bytes]:
        try:
            for piece in self._stream:
                yield self._note(piece)
            self._end()
        except httpx.HTTPError as error:
            self._exchange.failure = f"{type(error).__name__}: {error}"
            raise

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._stream:
                yield self._note(piece)
            self._end()
        except httpx.HTTPError as error:
            self._exchange.failure = f"{type(error).__name__}: {error}"
            raise

    def close(self) -> None:
        self._stream.close()

    async def aclose(self) -> None:
        await self._stream.aclose()


def _noted(response: httpx.Response, exchange: Exchange, recorder: Recorder) -> httpx.Response:
    exchange.status = response.status_code
    exchange.answer_headers = [
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw
    ]
    response.stream = _Bytes(response.stream, exchange, recorder.ended)
    return response


class RecordingTransport(httpx.BaseTransport):
    """httpx's own transport; the recorder sees what passes."""

    def __init__(self, recorder: Recorder) -> None:
        self._inner, self._recorder = httpx.HTTPTransport(), recorder

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        exchange = self._recorder.begin(request, request.read())
        try:
            return _noted(self._inner.handle_request(request), exchange, self._recorder)
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
            answer = await self._inner.handle_async_request(request)
            return _noted(answer, exchange, self._recorder)
        except httpx.HTTPError as error:
            exchange.failure = f"{type(error).__name__}: {error}"
            raise

    async def aclose(self) -> None:
        await self._inner.aclose()
