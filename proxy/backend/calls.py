"""One request as one call of the SDK: its method, its headers, and whose key they hold."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx2
import openai
from openai import AsyncOpenAI

from proxy.backend import faults
from proxy.settings import Settings
from proxy.translate.requests import Request

Answer = httpx2.Response
Opened = tuple[AbstractAsyncContextManager[Answer], Answer]
"""A call, and the response whose status is known to be a good one and whose body is unread."""

_POSTED: Mapping[str, Mapping[str, str]] = {
    "responses": {},
    # Anthropic's own clients always name the version, so a server may insist on one.
    "messages": {"anthropic-version": "2023-06-01"},
}
"""Routes whose body goes as it came, which the SDK's methods would not leave it; their headers."""

# By this name the SDK's own `with_streaming_response` leaves the body of an answer unread.
_UNREAD = {"X-Stainless-Raw-Response": "stream"}


_AS_THEY_ARE = frozenset(("messages", "tools"))
"""What the SDK would look through for types of its own, at a tenth of a millisecond a message; as a
part of `extra_body` it takes the place of the argument untouched (faults.md row 9)."""


class Calls:
    """Calls of one client."""

    def __init__(self, settings: Settings, client: AsyncOpenAI) -> None:
        self._settings = settings
        self._client = client
        key = settings.api_key.get_secret_value()
        self.own = self._authorized(f"Bearer {key}" if key else "", own=True)

    def headers(self, authorization: str) -> dict[str, Any]:
        """Those with our key or, where the operator wants it so, with the client's or none."""
        return self._authorized(authorization) if self._settings.forward_key else self.own

    async def sent(self, request: Request, *, closing: bool) -> Opened:
        """The call and its response; a request that never left is sent once more.

        `closing`: the connection is of no use after the answer. Raises what the SDK raises.
        """
        opened = self._call(request, closing=closing)
        try:
            return opened, await opened.__aenter__()
        except openai.APIConnectionError as error:
            if not faults.is_unsent(error):
                raise
        opened = self._call(request, closing=closing)
        return opened, await opened.__aenter__()

    def _authorized(self, authorization: str, *, own: bool = False) -> dict[str, Any]:
        # The SDK refuses to ask without a key unless each request says that there is none. A key
        # among the operator's own headers is one.
        names = {name.lower() for name, _ in self._settings.backend_headers}
        if own and not authorization and "authorization" in names:
            return {}
        return {"Authorization": authorization or openai.Omit()}

    def _call(self, request: Request, *, closing: bool) -> AbstractAsyncContextManager[Answer]:
        headers = self.headers(request.authorization)
        if request.request_id:
            headers = {**headers, "X-Request-ID": request.request_id}
        if closing:
            headers = {**headers, "Connection": "close"}
        if request.endpoint in _POSTED:
            return self._posted(request, {**_POSTED[request.endpoint], **headers})
        return self._created(request, headers)

    @asynccontextmanager
    async def _created(self, request: Request, headers: Mapping[str, Any]) -> AsyncIterator[Answer]:
        create: Mapping[str, Callable[..., AbstractAsyncContextManager[Any]]] = {
            "chat": self._client.chat.completions.with_streaming_response.create,
            "completions": self._client.completions.with_streaming_response.create,
            "embeddings": self._client.embeddings.with_streaming_response.create,
        }
        arguments, body = request.arguments, request.extra_body
        if request.endpoint == "chat":
            body = {**body, **{key: arguments[key] for key in _AS_THEY_ARE if key in arguments}}
            arguments = {**arguments, **dict.fromkeys(arguments.keys() & _AS_THEY_ARE, ())}
        async with create[request.endpoint](
            **arguments, extra_headers=headers, extra_body=body or None
        ) as response:
            yield response.http_response

    @asynccontextmanager
    async def _posted(self, request: Request, headers: Mapping[str, Any]) -> AsyncIterator[Answer]:
        response: Answer = await self._client.post(
            f"/{request.endpoint}",
            cast_to=Answer,
            body={**request.arguments, **request.extra_body},
            options={"headers": {**headers, **_UNREAD}},
        )
        try:
            yield response
        finally:
            await response.aclose()
