"""The SDK's client as we want it: no redirects, nothing compressed, nothing endless."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, cast

import httpx2
import openai
from openai import AsyncOpenAI, DefaultAioHttpClient

from proxy.errors import BackendError
from proxy.settings import Settings

ANSWER_LIMIT = 64 * 1024 * 1024
"""Bytes of an answer that is not a stream: 2,048 vectors of 1,536 numbers fit."""

KEEP_ALIVE = 3.0
"""Seconds that an idle connection is kept. Many servers (uvicorn, Node, cpp-httplib) close theirs
after five, and a request sent at that very moment would be lost."""


def make_client(settings: Settings) -> AsyncOpenAI:
    """The one client of a process; nothing but `settings` changes what it does."""
    key = settings.api_key.get_secret_value()
    http_client = DefaultAioHttpClient(
        follow_redirects=False,
        trust_env=False,
        timeout=httpx2.Timeout(None, connect=settings.connect_timeout),
        limits=httpx2.Limits(
            max_connections=settings.max_queue + 8,
            max_keepalive_connections=64,
            keepalive_expiry=KEEP_ALIVE,
        ),
        event_hooks={"response": [_guard]},
    )
    omitted: dict[str, Any] = {
        "OpenAI-Organization": openai.Omit(),
        "OpenAI-Project": openai.Omit(),
        "Accept-Encoding": "identity",
    }
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
