"""Requests through the official SDK, with what it would work out for each of them worked out once.

The SDK builds the first request of a kind: address, key, headers. Those that follow differ in their
body only, and are sent as it would send them, over its own connections; what fails is raised as its
own errors. Walking every message of a history by its types, as the SDK does, cost 120 µs each.
(tests/backend/test_posting.py holds both ways against each other.)
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import aiohttp
import httpx2
import openai
import orjson
from multidict import CIMultiDict
from openai._models import FinalRequestOptions
from openai._utils._json import openapi_dumps
from openai._vendor.httpx_aiohttp.transport import (
    AiohttpResponseStream,
    AiohttpTransport,
    map_aiohttp_exceptions,
)
from yarl import URL

from proxy.errors import BackendError

ANSWER_LIMIT = 64 * 1024 * 1024
"""Bytes of an answer that is not a stream: 2,048 vectors of 1,536 numbers fit."""

KINDS = 256
"""Kinds of request that are kept. They differ by endpoint, and by the client's own key."""

PATHS: Mapping[str, str] = {
    "chat": "/chat/completions",
    "completions": "/completions",
    "embeddings": "/embeddings",
    "messages": "/messages",
    "responses": "/responses",
}

# The SDK's mark of a call whose answer its caller reads.
_RAW = {"X-Stainless-Raw-Response": "stream"}


@dataclass(frozen=True, slots=True)
class _Kind:
    """What all requests of a kind have in common, in the terms of aiohttp."""

    request: httpx2.Request
    session: aiohttp.ClientSession
    url: URL
    headers: CIMultiDict[str]
    options: Mapping[str, Any]


class Answer:
    """The answer to a request: its head is there, its body is read by whoever has it."""

    __slots__ = ("_response", "headers", "status_code")

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.status_code = response.status
        self.headers: Mapping[str, str] = response.headers

    async def aiter_raw(self) -> AsyncIterator[bytes]:
        """The bytes as they come, all that are there at a time."""
        read = self._response.content.readany
        while True:
            try:
                part = await read()
            except Exception:
                _raise_as_the_sdk()
                raise
            if not part:
                return
            yield part

    async def aread(self) -> bytes:
        """The whole body. Raises BackendError for one that is too large."""
        parts, size = [], 0
        async for part in self.aiter_raw():
            size += len(part)
            if size > ANSWER_LIMIT:
                raise BackendError(502, "backend sent too much", kind="oversize")
            parts.append(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def aclose(self) -> None:
        """Gives the connection back, or closes it where the body was not read to its end."""
        await self._response.__aexit__(None, None, None)


class Posting:
    """Sends requests for `client`. Raises what the SDK raises."""

    def __init__(self, client: openai.AsyncOpenAI) -> None:
        self._client = client
        self._kinds: OrderedDict[tuple[Any, ...], _Kind] = OrderedDict()

    async def send(
        self,
        endpoint: str,
        arguments: Mapping[str, Any],
        extra_body: Mapping[str, Any],
        headers: Mapping[str, Any],
        request_id: str = "",
    ) -> Answer:
        """Asks `endpoint` (a key of `PATHS`), and gives the answer once its status is a good one.

        `headers` are those of a kind of request, and may hold the SDK's `Omit` for one that it is
        not to send. `request_id` is of this request alone, and makes no kind of its own.
        """
        kind = self._kind(endpoint, headers)
        sent = kind.headers
        if request_id:
            sent = sent.copy()
            sent["X-Request-ID"] = request_id
        try:
            try:
                response = await kind.session._request(  # noqa: SLF001 - without its context
                    "POST",
                    kind.url,
                    headers=sent,
                    data=encoded({**arguments, **extra_body} if extra_body else arguments),
                    **kind.options,
                )
            except Exception:
                _raise_as_the_sdk()
                raise
            if response.status >= 300 or "content-encoding" in response.headers:
                await self._refuse(kind, response)
        except openai.OpenAIError:
            raise
        except httpx2.TimeoutException as error:
            raise openai.APITimeoutError(request=kind.request) from error
        except Exception as error:
            raise openai.APIConnectionError(request=kind.request) from error
        return Answer(response)

    async def _refuse(self, kind: _Kind, response: aiohttp.ClientResponse) -> None:
        """Raises for a status that is an error, in the SDK's way, and for a compressed answer."""
        told = httpx2.Response(
            response.status,
            headers=response.raw_headers,
            stream=AiohttpResponseStream(response),
            request=kind.request,
        )
        try:
            for hook in self._client._client.event_hooks["response"]:  # noqa: SLF001
                await hook(told)
            if told.status_code < 300:
                return
            try:
                await told.aread()
            finally:
                await told.aclose()
        except BaseException:
            response.close()
            raise
        raise self._client._make_status_error_from_response(told)  # noqa: SLF001

    def _kind(self, endpoint: str, headers: Mapping[str, Any]) -> _Kind:
        key = (endpoint, *headers.items())
        kind = self._kinds.get(key)
        if kind is None:
            kind = self._kinds[key] = self._made(endpoint, headers)
            if len(self._kinds) > KINDS:
                self._kinds.popitem(last=False)
        return kind

    def _made(self, endpoint: str, headers: Mapping[str, Any]) -> _Kind:
        client = self._client
        options = FinalRequestOptions.construct(
            method="post",
            url=PATHS[endpoint],
            headers={**headers, **_RAW},
            security={"bearer_auth": True},
            json_data={},
        )
        request = client._build_request(options)  # noqa: SLF001
        transport = cast(
            "AiohttpTransport",
            client._client._transport_for_url(request.url),  # noqa: SLF001
        )
        if not isinstance(transport.client, aiohttp.ClientSession):
            transport.client = transport.get_client()
        sent = CIMultiDict(
            (name, value)
            for name, value in request.headers.multi_items()
            if name not in ("content-length", "cookie", "host")
        )
        timeout = request.extensions["timeout"]
        told: dict[str, Any] = {
            "allow_redirects": False,
            "auto_decompress": False,
            "compress": False,
            "timeout": aiohttp.ClientTimeout(
                sock_connect=timeout["connect"], sock_read=timeout["read"], connect=timeout["pool"]
            ),
        }
        if (proxy := transport.proxy) is not None:
            told["proxy"] = str(proxy.url)
            told["proxy_auth"] = aiohttp.BasicAuth(*proxy.auth) if proxy.auth else None
            told["proxy_headers"] = proxy.headers
        return _Kind(request, transport.client, URL(str(request.url)), sent, told)


def _raise_as_the_sdk() -> None:
    """The exception of aiohttp that is being handled, as the SDK's transport maps it."""
    with map_aiohttp_exceptions():
        raise  # noqa: PLE0704 - to be called while one is handled


def encoded(value: Mapping[str, Any]) -> bytes:
    """JSON as the SDK writes it, and by the SDK where orjson cannot: integers over 64 bits."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return cast("Callable[[Any], bytes]", openapi_dumps)(value)
