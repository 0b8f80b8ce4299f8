"""Two ways to send a request to the backend; what arrives there is the same.

`SdkSender` calls the official SDK. `SessionSender`, the default, sends over aiohttp what the SDK
would send: its address, authentication and headers come from the SDK's public properties. It costs
a fraction of the CPU. FACADE_SENDER chooses; `tests/backend/test_sender.py` compares both with the
SDK's own resource methods.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any, Protocol

import aiohttp
import httpx2
import openai
import orjson
from multidict import CIMultiDict

from ollama_facade.backend.transport import AsyncOpenAI, Transport, error_chunks, limited
from ollama_facade.errors import BackendError

PATHS: Mapping[str, str] = {
    "chat": "chat/completions",
    "completions": "completions",
    "embeddings": "embeddings",
    "messages": "messages",
    "responses": "responses",
}

_RAW = {"X-Stainless-Raw-Response": "stream"}
"""The header with which the SDK hands out the response with its body unread."""

Headers = Mapping[str, str | openai.Omit]


class BackendResponse:
    """A response, its body unread."""

    status_code: int
    headers: Mapping[str, str]

    def aiter_raw(self) -> AsyncIterator[bytes]:
        """The bytes of the body as they come."""
        raise NotImplementedError

    async def aread(self) -> bytes:
        """Returns the whole body. Raises BackendError for one that is too large."""
        chunks = [chunk async for chunk in limited(self.aiter_raw())]
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def aclose(self) -> None:
        """Closes the connection unless the body was received to its end."""
        raise NotImplementedError


class Sender(Protocol):
    """Sends requests to the backend."""

    async def send(
        self, endpoint: str, body: Mapping[str, Any], headers: Headers, request_id: str
    ) -> BackendResponse:
        """Sends `body` to `endpoint` (a key of `PATHS`) and returns a response with a good status.

        `headers` may hold the SDK's `Omit` for one that is not to be sent. Raises
        openai.APIStatusError, openai.APIConnectionError or BackendError.
        """

    async def close(self) -> None:
        """Closes every connection."""


class SdkSender:
    """Sends through the official SDK."""

    def __init__(self, client: AsyncOpenAI) -> None:
        self._client = client

    async def send(
        self, endpoint: str, body: Mapping[str, Any], headers: Headers, request_id: str
    ) -> BackendResponse:
        """Sends a request, as `Sender.send` says."""
        headers = {**headers, **_RAW}
        if request_id:
            headers["X-Request-ID"] = request_id
        content = encode(body, self._client)
        return SdkResponse(
            await self._client.post(
                PATHS[endpoint],
                cast_to=httpx2.Response,
                content=content,
                options={"headers": headers},
            )
        )

    async def close(self) -> None:
        """Closes every connection."""
        await self._client.close()


class SdkResponse(BackendResponse):
    """A response as the SDK gives it."""

    def __init__(self, response: httpx2.Response) -> None:
        self._response = response
        self.status_code = response.status_code
        self.headers = response.headers

    def aiter_raw(self) -> AsyncIterator[bytes]:
        """The bytes of the body as they come."""
        return self._response.aiter_raw()

    async def aclose(self) -> None:
        """Closes the connection unless the body was received to its end."""
        await self._response.aclose()


class SessionSender:
    """Sends over aiohttp what the SDK would send."""

    def __init__(self, client: AsyncOpenAI, transport: Transport) -> None:
        self._client = client
        self._transport = transport
        base = client.base_url
        self._credentials: Headers = {}
        if base.username or base.password:
            authorization = aiohttp.encode_basic_auth(base.username, base.password)
            self._credentials = {"Authorization": authorization}
        address = str(base.copy_with(username="", password=""))
        self._urls = {endpoint: address + path for endpoint, path in PATHS.items()}
        self._headers = CIMultiDict({"Connection": "keep-alive"})
        _merge(self._headers, client.auth_headers)
        _merge(self._headers, client.default_headers)
        _merge(self._headers, {"X-Stainless-Retry-Count": "0", **_RAW})

    async def send(
        self, endpoint: str, body: Mapping[str, Any], headers: Headers, request_id: str
    ) -> BackendResponse:
        """Sends a request, as `Sender.send` says."""
        merged = self._headers.copy()
        _merge(merged, headers)
        _merge(merged, self._credentials)
        if request_id:
            merged["X-Request-ID"] = request_id
        content = encode(body, self._client)
        url = self._urls[endpoint]
        try:
            response = await self._transport.request("POST", url, merged, content)
            if response.status < 300:
                return SessionResponse(response)
            status_error = await _status_error(response, url)
        except BackendError:
            raise
        except Exception as error:
            raise openai.APIConnectionError(request=httpx2.Request("POST", url)) from error
        raise status_error

    async def close(self) -> None:
        """Closes every connection."""
        await self._client.close()


class SessionResponse(BackendResponse):
    """A response as aiohttp gives it."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.status_code = response.status
        self.headers = response.headers

    def aiter_raw(self) -> AsyncIterator[bytes]:
        """The bytes of the body as they come."""
        return self._response.content.iter_any()

    async def aclose(self) -> None:
        """Closes the connection unless the body was received to its end."""
        self._response.close()


async def _status_error(response: aiohttp.ClientResponse, url: str) -> openai.APIStatusError:
    """Returns the SDK's error for a status of 300 or more, with the body that the SDK gives it."""
    try:
        content = b"".join([chunk async for chunk in error_chunks(response.content.iter_any())])
    finally:
        response.close()
    received = httpx2.Response(
        response.status,
        headers=response.raw_headers,
        content=content,
        request=httpx2.Request("POST", url),
    )
    body: Any = received.text.strip()
    with suppress(ValueError, RecursionError):
        body = json.loads(body)
    error = body.get("error", body) if isinstance(body, dict) else body
    text = error.get("message") if isinstance(error, dict) else None
    reason = f" - {text}" if isinstance(text, str) and text else ""
    return openai.APIStatusError(
        f"Error code: {response.status}{reason}", response=received, body=error
    )


def _merge(headers: CIMultiDict[str], more: Headers) -> None:
    """Sets the headers of `more`, or removes those that are omitted."""
    for name, value in more.items():
        if isinstance(value, openai.Omit):
            headers.pop(name, None)
        else:
            headers[name] = value


def encode(body: Mapping[str, Any], client: AsyncOpenAI) -> bytes:
    """Returns JSON as the SDK writes it. Raises openai.APIConnectionError for lone surrogates.

    orjson cannot write integers over 64 bits.
    """
    try:
        return orjson.dumps(body)
    except TypeError:
        pass
    try:
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return text.encode()
    except ValueError as error:
        request = httpx2.Request("POST", client.base_url)
        raise openai.APIConnectionError(request=request) from error
