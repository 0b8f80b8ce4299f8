"""The SDK's client as we want it: no redirects, nothing compressed, nothing endless."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from functools import partial
from typing import Any, cast

import aiohttp
import httpx2
import openai
from openai import AsyncOpenAI, DefaultAioHttpClient
from openai._vendor.httpx_aiohttp.transport import AiohttpTransport

from ollama_facade.backend.connector import Connector
from ollama_facade.backend.exchange import ANSWER_LIMIT
from ollama_facade.config.settings import Settings
from ollama_facade.errors import BackendError, SettingsError

KEEP_ALIVE = 3.0
"""Seconds that an idle connection is kept. Many servers (uvicorn, Node, cpp-httplib) close theirs
after five, and a request sent at that very moment would be lost."""

ERROR_LIMIT = 256 * 1024
"""Bytes of an error that are read: a validator's list of all that is wrong fits. Of what is longer
the connection is closed."""


def make_client(settings: Settings) -> AsyncOpenAI:
    """The one client of a process; nothing but `settings` changes what it does.

    Raises SettingsError for a file of certificates that cannot be used.
    """
    key = settings.api_key.get_secret_value()
    proxy = settings.backend_proxy
    http_client = DefaultAioHttpClient(
        follow_redirects=False,
        trust_env=False,
        proxy=proxy.get_secret_value() if proxy else None,
        verify=_trust(settings),
        timeout=httpx2.Timeout(None, connect=settings.connect_timeout),
        limits=httpx2.Limits(
            max_connections=settings.max_queue + 8,
            max_keepalive_connections=64,
            keepalive_expiry=KEEP_ALIVE,
        ),
        event_hooks={"response": [_guard]},
    )
    for transport in (http_client._transport, *http_client._mounts.values()):  # noqa: SLF001
        if isinstance(transport, AiohttpTransport):
            transport.client = partial(_session, transport)
    headers: dict[str, Any] = {
        # The SDK would take these from the environment of the process.
        "OpenAI-Organization": settings.organization or openai.Omit(),
        "OpenAI-Project": settings.project or openai.Omit(),
        "Accept-Encoding": "identity",
        **{name: value.get_secret_value() for name, value in settings.backend_headers},
    }
    client = AsyncOpenAI(
        base_url=settings.base_url,
        api_key=key or "none",
        organization="",
        project="",
        max_retries=0,
        http_client=http_client,
        timeout=httpx2.Timeout(None, connect=settings.connect_timeout),
    )
    # Not given above, where the SDK would add those of OPENAI_CUSTOM_HEADERS.
    client._custom_headers = headers  # noqa: SLF001
    return client


def _session(transport: AiohttpTransport) -> aiohttp.ClientSession:
    """What the SDK would make, over connections that are looked at before they are used again.

    And without a memory: a cookie that the backend gave one client is not for another.
    """
    connector = Connector(
        limit=transport.limits.max_connections or 0,
        keepalive_timeout=transport.limits.keepalive_expiry,
        ssl=transport.ssl_context,
    )
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())


def _trust(settings: Settings) -> ssl.SSLContext | bool:
    """The system's certificates and those of FACADE_BACKEND_CA_FILE."""
    path = settings.backend_ca_file
    if path is None:
        return True
    context = ssl.create_default_context()
    try:
        context.load_verify_locations(path)
    except OSError as error:
        reason = "it holds no certificate" if isinstance(error, ssl.SSLError) else error.strerror
        raise SettingsError(f"FACADE_BACKEND_CA_FILE: {str(path)!r}: {reason}") from None
    return context


async def _guard(response: httpx2.Response) -> None:
    """Refuses compressed answers and bounds whole ones, before anybody reads (rows 57, 59)."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise BackendError(502, "backend compressed its answer", kind="compressed")
    stream = cast("httpx2.AsyncByteStream", response.stream)
    if response.status_code >= 300:
        response.stream = _Beginning(stream)
    elif not response.headers.get("content-type", "").startswith("text/event-stream"):
        response.stream = _Bounded(stream)


class _Beginning(httpx2.AsyncByteStream):
    """As much of the body of an error as anybody reads (row 81)."""

    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._stream:
            yield chunk[: ERROR_LIMIT - size]
            size += len(chunk)
            if size >= ERROR_LIMIT:
                return

    async def aclose(self) -> None:
        await self._stream.aclose()


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
