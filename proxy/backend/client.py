"""The one client of the process: the official OpenAI SDK, read raw.

The SDK does the address, the key, headers, timeouts and statuses; the bytes of the answer are read
here, because its objects cost ten times as much a chunk and hide cut streams (design.md §4.4).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from typing import Any, cast
from urllib.parse import quote

import httpx2
import openai
import orjson
from openai import AsyncOpenAI, DefaultAioHttpClient

from proxy.backend import faults
from proxy.backend.events import Event, EventSplitter
from proxy.errors import BackendError
from proxy.settings import Settings
from proxy.translate.delta import Delta
from proxy.translate.reading import read_delta, unreadable
from proxy.translate.requests import Request

ANSWER_LIMIT = 64 * 1024 * 1024
"""Bytes of an answer that is not a stream: 2,048 vectors of 1,536 numbers fit."""


DRAIN_TIMEOUT = 0.25
"""Seconds that a connection gets to end after ``[DONE]``; one that does not is closed."""


class Backend:
    """Asks the backend. Every failure is a BackendError; a cancelled caller closes the call."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client = _client(settings)

    async def close(self) -> None:
        """Closes every connection."""
        await self._client.close()

    async def stream(self, request: Request) -> AsyncIterator[list[Delta]]:
        """The answer to `request` as it comes: Deltas that arrived together in one list.

        Ends when the backend has finished. A backend that answers whole although a stream was asked
        for gives one Delta. Raises BackendError, also for silence: before the first Delta after
        `first_token_timeout`, between two after `idle_timeout`, whatever comments come.
        """
        settings = self._settings
        finished = started = False
        try:
            async with (
                asyncio.timeout(settings.first_token_timeout) as deadline,
                self._open(request) as response,
            ):
                loop = asyncio.get_running_loop()
                async with aclosing(_deltas(response)) as batches:
                    async for deltas in batches:
                        # Nobody waits for the backend while the client is being written to.
                        deadline.reschedule(None)
                        if deltas:
                            yield deltas
                            started = True
                            finished = finished or any(delta.finish for delta in deltas)
                            wait = settings.tail_timeout if finished else settings.idle_timeout
                        else:
                            wait = DRAIN_TIMEOUT
                        deadline.reschedule(loop.time() + wait)
        except TimeoutError as error:
            if finished:
                return
            if started:
                raise BackendError(504, "backend stopped answering", kind="idle") from error
            raise BackendError(504, "backend timed out", kind="timeout") from error

    async def complete(self, request: Request) -> Delta:
        """The whole answer to `request` as one Delta."""
        body = await self._whole(request)
        delta = read_delta(body)
        if delta is None or not isinstance(body.get("choices"), list):
            raise not_a_completion()
        return delta

    async def embeddings(self, request: Request) -> Any:
        """The parsed answer of the backend's embeddings endpoint."""
        return await self._whole(request)

    async def models(self) -> list[dict[str, Any]]:
        """The entries of `/v1/models`; llama.cpp's `models` beside `data` are merged by name."""
        body = await self._get("models")
        if not isinstance(body, dict) or not isinstance(body.get("data"), list):
            raise BackendError(502, "backend gave no list of models", kind="unreadable")
        more = {
            entry.get("name"): entry
            for entry in body.get("models") or []
            if isinstance(entry, dict)
        }
        return [
            {**more.get(entry.get("id"), {}), **entry}
            for entry in body["data"]
            if isinstance(entry, dict)
        ]

    async def properties(self, model_id: str) -> dict[str, Any]:
        """llama.cpp's `/props` for a model; `{}` from a backend that has none."""
        base = str(self._client.base_url).rstrip("/").removesuffix("/v1")
        try:
            body = await self._get(f"{base}/props?model={quote(model_id, safe='')}")
        except BackendError:
            return {}
        return body if isinstance(body, dict) else {}

    async def _whole(self, request: Request) -> Any:
        try:
            async with (
                asyncio.timeout(self._settings.first_token_timeout),
                self._open(request) as response,
            ):
                return _parsed(await response.aread())
        except TimeoutError as error:
            raise BackendError(504, "backend timed out", kind="timeout") from error
        except (httpx2.HTTPError, OSError) as error:
            raise faults.from_exception(error, str(request.arguments.get("model"))) from error

    async def _get(self, path: str) -> Any:
        try:
            async with asyncio.timeout(self._settings.connect_timeout * 2):
                response = await self._client.get(path, cast_to=httpx2.Response)
                return _parsed(await response.aread())
        except TimeoutError as error:
            raise BackendError(504, "backend timed out", kind="timeout") from error
        except (openai.OpenAIError, httpx2.HTTPError, OSError) as error:
            raise faults.from_exception(error, "") from error

    @asynccontextmanager
    async def _open(self, request: Request) -> AsyncIterator[httpx2.Response]:
        """The open response; a connect that failed is tried once more, nothing else is."""
        model = str(request.arguments.get("model"))
        opened = self._call(request)
        try:
            try:
                response = await opened.__aenter__()
            except openai.APIConnectionError as error:
                if not faults.is_unreachable(error):
                    raise
                opened = self._call(request)
                response = await opened.__aenter__()
        except openai.OpenAIError as error:
            raise faults.from_exception(error, model) from error
        try:
            yield response.http_response
        except (httpx2.HTTPError, OSError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise faults.from_exception(error, model) from error
        finally:
            await opened.__aexit__(None, None, None)

    def _call(self, request: Request) -> AbstractAsyncContextManager[openai.AsyncAPIResponse[Any]]:
        create: Mapping[str, Callable[..., AbstractAsyncContextManager[Any]]] = {
            "chat": self._client.chat.completions.with_streaming_response.create,
            "completions": self._client.completions.with_streaming_response.create,
            "embeddings": self._client.embeddings.with_streaming_response.create,
        }
        return create[request.endpoint](**request.arguments, extra_body=request.extra_body or None)


def not_a_completion() -> BackendError:
    """A page, or JSON of another kind, with status 200."""
    return BackendError(
        502, "backend answered with something that is not a completion", kind="unreadable"
    )


async def _deltas(response: httpx2.Response) -> AsyncIterator[list[Delta]]:
    """The Deltas of a streamed answer, those of one read together; an empty list is ``[DONE]``.

    The connection is read to its end after that, so that it can be used again.
    """
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        delta = read_delta(_parsed(await response.aread()))
        if delta is None:
            raise not_a_completion()
        yield [delta]
        return
    if kind != "text/event-stream" or response.status_code == 204:
        raise not_a_completion()
    splitter = EventSplitter()
    done = False
    async for chunk in response.aiter_raw():
        if done:
            continue
        deltas, done = _read(splitter.feed(chunk))
        if deltas:
            yield deltas
        if done:
            yield []
    if not done:
        deltas, done = _read(splitter.finish())
        if deltas:
            yield deltas


def _read(events: list[Event]) -> tuple[list[Delta], bool]:
    """Deltas of some events, and whether ``[DONE]`` was among them."""
    deltas: list[Delta] = []
    for event in events:
        for data in _documents(event):
            if data.strip() == b"[DONE]":
                return deltas, True
            value = _parsed(data)
            if event.name == b"error" and isinstance(value, dict) and "error" not in value:
                value = {"error": value}
            delta = read_delta(value)
            if delta is not None:
                deltas.append(delta)
    return deltas, False


def _documents(event: Event) -> tuple[bytes, ...]:
    """The JSON texts of an event: its lines joined, or each line where blank lines are missing."""
    if len(event.data) == 1:
        return event.data
    joined = b"\n".join(event.data)
    try:
        orjson.loads(joined)
    except orjson.JSONDecodeError:
        return event.data
    return (joined,)


def _parsed(text: bytes) -> Any:
    """JSON, lone surrogates kept (their other half may come in the next event)."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return _parsed_slowly(text)


def _parsed_slowly(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise unreadable() from error


def _client(settings: Settings) -> AsyncOpenAI:
    key = settings.api_key.get_secret_value()
    http_client = DefaultAioHttpClient(
        follow_redirects=False,
        trust_env=False,
        timeout=httpx2.Timeout(None, connect=settings.connect_timeout),
        limits=httpx2.Limits(max_connections=settings.max_queue + 8, max_keepalive_connections=64),
        event_hooks={"response": [_guard]},
    )
    omitted: dict[str, Any] = {
        "OpenAI-Organization": openai.Omit(),
        "OpenAI-Project": openai.Omit(),
        "Accept-Encoding": "identity",
    }
    if not key:
        omitted["Authorization"] = openai.Omit()
    return AsyncOpenAI(
        base_url=settings.base_url,
        api_key=key or "none",
        organization="",
        project="",
        max_retries=0,
        http_client=http_client,
        timeout=httpx2.Timeout(None, connect=settings.connect_timeout),
        default_headers=omitted,
    )


async def _guard(response: httpx2.Response) -> None:
    """Refuses compressed answers and bounds whole ones, before anybody reads (rows 57, 59)."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise BackendError(502, "backend compressed its answer", kind="compressed")
    if not response.headers.get("content-type", "").startswith("text/event-stream"):
        response.stream = _Bounded(cast("httpx2.AsyncByteStream", response.stream))


class _Bounded(httpx2.AsyncByteStream):
    """A body that ends in an error beyond the limit."""

    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._stream:
            size += len(chunk)
            if size > ANSWER_LIMIT:
                raise BackendError(502, "backend sent too much", kind="oversize")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()
