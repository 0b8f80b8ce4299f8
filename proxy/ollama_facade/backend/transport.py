"""The SDK's client and the HTTP connections under it: no redirects, cookies or compression.

Both senders share one `Transport`: the SDK through httpx, `SessionSender` directly. httpx's own
connections would read a second response, if it came in one read with the first, as the response
to the next request (faults.md row 64).
"""

from __future__ import annotations

import io
import ssl
from collections.abc import AsyncIterator, Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy

import aiohttp
import httpx2
import openai
from multidict import CIMultiDict

from ollama_facade.backend.connector import Connector
from ollama_facade.config.settings import Settings
from ollama_facade.errors import BackendError, SettingsError

KEEP_ALIVE_SECONDS = 3.0
"""How long an idle connection is kept. Many servers (uvicorn, Node, cpp-httplib) close theirs after
five seconds, and a request sent at that very moment would be lost."""

MAX_RESPONSE_BYTES = 64 * 1024 * 1024
"""Bytes of a response that is not streamed: 2,048 vectors of 1,536 numbers fit."""

MAX_ERROR_BYTES = 256 * 1024
"""Bytes of an error body that are read: a validator's list of everything that is wrong fits. After
a longer one the connection is closed."""

READ_BUFFER_BYTES = 256 * 1024
"""Bytes that are read ahead of the reader of a response."""

MAX_BYTES_WRITTEN_AT_ONCE = 1024 * 1024
"""Length of a request body from which aiohttp wants a file instead of bytes."""


class AsyncOpenAI(openai.AsyncOpenAI):
    """The SDK's client, with headers from the settings and none from `OPENAI_CUSTOM_HEADERS`.

    The SDK sends the name of the class in `User-Agent`.
    """

    def __init__(self, settings: Settings, transport: Transport) -> None:
        self.backend_headers: Mapping[str, str | openai.Omit] = {
            "OpenAI-Organization": settings.organization or openai.Omit(),
            "OpenAI-Project": settings.project or openai.Omit(),
            "Accept-Encoding": "identity",
            **{name: value.get_secret_value() for name, value in settings.backend_headers},
        }
        super().__init__(
            base_url=settings.base_url,
            # The SDK wants a key; requests without one omit the header.
            api_key=settings.api_key.get_secret_value() or "none",
            organization="",
            project="",
            max_retries=0,
            timeout=None,
            http_client=openai.DefaultAsyncHttpxClient(
                transport=transport,
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
                follow_redirects=False,
                trust_env=False,
                timeout=None,
            ),
        )

    @property
    def default_headers(self) -> dict[str, str | openai.Omit]:
        """The SDK's headers, and those of the settings."""
        return {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": self.user_agent,
            **self.platform_headers(),
            "X-Stainless-Async": "async:asyncio",
            **self.backend_headers,
        }


class Transport(httpx2.AsyncBaseTransport):
    """HTTP/1.1 over aiohttp's connections, as the settings want it; the environment is not read.

    Raises SettingsError for a file of certificates that cannot be used.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._ssl = _ssl_context(settings)
        self._session: aiohttp.ClientSession | None = None

    async def request(
        self, method: str, url: str, headers: CIMultiDict[str], body: bytes = b""
    ) -> aiohttp.ClientResponse:
        """Sends a request and returns the response, its body unread.

        Raises BackendError for a compressed response, and what aiohttp raises.
        """
        if self._session is None:
            self._session = self._new_session()
        response = await self._session.request(
            method,
            url,
            data=io.BytesIO(body) if len(body) > MAX_BYTES_WRITTEN_AT_ONCE else body or None,
            headers=headers,
            allow_redirects=False,
        )
        encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding not in ("", "identity"):
            response.close()
            raise BackendError(502, "backend compressed its answer", kind="compressed")
        return response

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Sends a request of the SDK's. Raises httpx2.NetworkError."""
        headers = CIMultiDict(request.headers.multi_items())
        # aiohttp takes no credentials from an address when there is an Authorization header.
        url = str(request.url.copy_with(username="", password=""))
        try:
            response = await self.request(request.method, url, headers, await request.aread())
        except (aiohttp.ClientError, OSError) as error:
            raise httpx2.NetworkError(str(error)) from error
        return httpx2.Response(
            response.status, headers=response.raw_headers, stream=_Stream(response)
        )

    async def aclose(self) -> None:
        """Closes every connection."""
        if self._session is not None:
            await self._session.close()

    def _new_session(self) -> aiohttp.ClientSession:
        settings = self._settings
        proxy = settings.backend_proxy
        return aiohttp.ClientSession(
            connector=Connector(
                limit=settings.max_queue + 8, keepalive_timeout=KEEP_ALIVE_SECONDS, ssl=self._ssl
            ),
            # A cookie that the backend gave one client is not for another.
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            proxy=proxy.get_secret_value() if proxy else None,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=settings.connect_timeout),
            read_bufsize=READ_BUFFER_BYTES,
        )


class _Stream(httpx2.AsyncByteStream):
    """The body of a response, as the SDK reads it."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks: AsyncIterator[bytes] = self._response.content.iter_any()
        if self._response.status >= 300:
            chunks = error_chunks(chunks)
        elif self._response.content_type != "text/event-stream":
            chunks = limited(chunks)
        try:
            async for chunk in chunks:
                yield chunk
        except (aiohttp.ClientError, OSError) as error:
            raise httpx2.ReadError(str(error)) from error

    async def aclose(self) -> None:
        self._response.close()


async def limited(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yields the chunks of a body. Raises BackendError beyond MAX_RESPONSE_BYTES."""
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > MAX_RESPONSE_BYTES:
            raise BackendError(502, "backend sent too much", kind="oversize")
        yield chunk


async def error_chunks(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yields the first MAX_ERROR_BYTES of a body (faults.md row 81)."""
    size = 0
    async for chunk in chunks:
        yield chunk[: MAX_ERROR_BYTES - size]
        size += len(chunk)
        if size >= MAX_ERROR_BYTES:
            return


def _ssl_context(settings: Settings) -> ssl.SSLContext:
    """The context that trusts the system's certificates and those of FACADE_BACKEND_CA_FILE."""
    path = settings.backend_ca_file
    if path is None:
        return httpx2.create_ssl_context(trust_env=False)
    context = ssl.create_default_context()
    try:
        context.load_verify_locations(path)
    except OSError as error:
        reason = "it holds no certificate" if isinstance(error, ssl.SSLError) else error.strerror
        raise SettingsError(f"FACADE_BACKEND_CA_FILE: {str(path)!r}: {reason}") from None
    return context
