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
from openai._vendor.httpx_aiohttp.transport import AiohttpTransport

from ollama_facade.backend.exchange import BackendResponse, Destination, raise_as_the_sdk

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
    """What all requests of a kind have in common: as the SDK built it, and where it goes."""

    request: httpx2.Request
    destination: Destination


class _Body(httpx2.AsyncByteStream):
    """The body of an answer, as the SDK reads that of an error."""

    def __init__(self, answer: BackendResponse) -> None:
        self._answer = answer

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._answer.aiter_raw()

    async def aclose(self) -> None:
        await self._answer.aclose()


class Posting:
    """Sends requests for `client`. Raises what the SDK raises."""

    def __init__(self, client: openai.AsyncOpenAI) -> None:
        self._client = client
        self._kinds: OrderedDict[tuple[Any, ...], _Kind] = OrderedDict()

    async def send(
        self,
        endpoint: str,
        arguments: Mapping[str, Any],
        headers: Mapping[str, Any],
        request_id: str = "",
    ) -> BackendResponse:
        """Asks `endpoint` (a key of `PATHS`), and gives the answer once its status is a good one.

        `headers` are those of a kind of request, and may hold the SDK's `Omit` for one that it is
        not to send. `request_id` is of this request alone, and makes no kind of its own.
        """
        kind = self._kind(endpoint, headers)
        try:
            try:
                body = encoded(arguments)
                answer = await kind.destination.ask(body, request_id)
            except Exception:
                raise_as_the_sdk()
                raise
            if answer.status_code >= 300 or "content-encoding" in answer.headers:
                await self._refuse(kind, answer)
        except openai.OpenAIError:
            raise
        except httpx2.TimeoutException as error:
            raise openai.APITimeoutError(request=kind.request) from error
        except Exception as error:
            raise openai.APIConnectionError(request=kind.request) from error
        return answer

    async def _refuse(self, kind: _Kind, answer: BackendResponse) -> None:
        """Raises for a status that is an error, in the SDK's way, and for a compressed answer."""
        told = httpx2.Response(
            answer.status_code,
            headers=answer.raw_headers,
            stream=_Body(answer),
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
            await answer.aclose()
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
        destination = Destination(
            transport.client,
            str(request.url),
            sent,
            aiohttp.ClientTimeout(
                sock_connect=timeout["connect"], sock_read=timeout["read"], connect=timeout["pool"]
            ),
            transport.proxy,
        )
        return _Kind(request, destination)


def encoded(value: Mapping[str, Any]) -> bytes:
    """JSON as the SDK writes it, and by the SDK where orjson cannot: integers over 64 bits."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return cast("Callable[[Any], bytes]", openapi_dumps)(value)
