"""The client of the backend: opens responses, and reads the lists that models come from.

The official SDK knows the address, the key and the headers (`sender.py`). The bytes of a response
are read here (`stream.py`), because the SDK's objects cost ten times as much a chunk and hide cut
streams.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any, cast
from urllib.parse import quote

import httpx2
import openai

from ollama_facade.backend import errors
from ollama_facade.backend.detection import detect, detect_by_owner
from ollama_facade.backend.event_template import EventTemplate
from ollama_facade.backend.redaction import Redactor
from ollama_facade.backend.sender import BackendResponse, SdkSender, Sender, SessionSender
from ollama_facade.backend.session import TRANSPORT_ERRORS, BackendSession
from ollama_facade.backend.stream import T, not_a_completion, parse_json, read_events
from ollama_facade.backend.transport import AsyncOpenAI, Transport
from ollama_facade.config.settings import Settings
from ollama_facade.errors import BackendError, OllamaError
from ollama_facade.translate.chunks import parse_chunk
from ollama_facade.translate.deltas import StreamDelta, TextRun
from ollama_facade.translate.dialect_table import dialect
from ollama_facade.translate.dialects import Dialect
from ollama_facade.translate.failures import is_missing_route
from ollama_facade.translate.requests import BackendRequest

DRAIN_SECONDS = 0.25
"""How long a connection gets to end after ``[DONE]``; one that does not is closed."""


class Response:
    """The open response to one request."""

    def __init__(
        self,
        request: BackendRequest,
        response: BackendResponse,
        timeout: asyncio.Timeout,
        settings: Settings,
    ) -> None:
        self.request = request
        """The request as it was sent at last: what the backend refused is in its `dropped`."""
        self.started = False
        """Whether a part of the response was read."""
        self.finished = False
        """Whether the backend has given a reason for the end."""
        self._response = response
        self._timeout = timeout
        self._settings = settings

    def deltas(self) -> AsyncGenerator[Sequence[StreamDelta | TextRun], None]:
        """Yields the deltas of the response, those that arrived together in one list.

        Ends when the backend has finished. A backend that does not stream although it was asked to
        gives one delta.
        """
        return self._batches(parse_chunk, EventTemplate())

    def events(self, parse: Callable[[Any], T | None]) -> AsyncGenerator[Sequence[T], None]:
        """Yields what `parse` makes of each JSON value of the stream, in lists as `deltas` does."""
        return cast("AsyncGenerator[Sequence[T], None]", self._batches(parse, None))

    async def _batches(
        self, parse: Callable[[Any], T | None], template: EventTemplate | None
    ) -> AsyncGenerator[Sequence[T | TextRun], None]:
        settings, now = self._settings, asyncio.get_running_loop().time
        async with aclosing(read_events(self._response, parse, template)) as batches:
            async for batch in batches:
                # The time in which the client is written to is not the backend's.
                self._timeout.reschedule(None)
                if batch:
                    yield batch
                    self.started = True
                    self.finished = self.finished or any(item.finish for item in batch)
                    wait = settings.tail_timeout if self.finished else settings.idle_timeout
                else:
                    wait = DRAIN_SECONDS
                self._timeout.reschedule(now() + wait)

    async def value(self) -> Any:
        """Returns the parsed JSON of a response that is not streamed, whatever it is."""
        return parse_json(await self._response.aread())

    async def completion(self) -> tuple[dict[str, Any], StreamDelta]:
        """Returns a whole completion: as the backend sent it, and as one delta."""
        body = await self.value()
        delta = parse_chunk(body)
        if delta is None or not isinstance(body.get("choices"), list):
            raise not_a_completion()
        return body, delta


class Backend:
    """Sends requests to the backend.

    Every failure is a BackendError; cancellation closes the connection.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        transport = Transport(settings)
        self._client = AsyncOpenAI(settings, transport)
        self._sender: Sender = (
            SdkSender(self._client)
            if settings.sender == "sdk"
            else SessionSender(self._client, transport)
        )
        self._detected = detect(settings)
        self._redactor = Redactor(settings)
        self._session = BackendSession(settings, self._sender, self._redactor, lambda: self.dialect)

    @property
    def dialect(self) -> Dialect:
        """The dialect of the setting, the address or the list of models, else the default."""
        return dialect(self._detected or "default")

    def has(self, endpoint: str, model: str) -> bool:
        """Whether the backend may have a route for a model that not every backend has."""
        return self._session.routes.has(self.dialect, endpoint, model)

    async def close(self) -> None:
        """Closes every connection."""
        await self._sender.close()

    @asynccontextmanager
    async def open(self, request: BackendRequest) -> AsyncGenerator[Response, None]:
        """A block in which the response to `request` is open.

        Raises BackendError for everything that fails before or within the block: also for silence,
        before the first delta for `first_token_timeout`, between two for `idle_timeout`. Raises
        NoRouteError (`learned.py`) where the backend lacks the route.
        """
        response: Response | None = None
        try:
            async with (
                asyncio.timeout(self._settings.first_token_timeout) as timeout,
                self._session.opened(request) as (sent, received),
            ):
                response = Response(sent, received, timeout, self._settings)
                yield response
        except TimeoutError as error:
            if response is None or not response.started:
                raise errors.timeout() from error
            if not response.finished:
                raise BackendError(504, "backend stopped answering", kind="idle") from error

    async def transcription(self, form: Mapping[str, Any], authorization: str) -> Any:
        """Returns the parsed response of the backend's transcriptions endpoint.

        `form` has the fields `model`, `file` (name and bytes) and perhaps more. Raises OllamaError
        where the backend has no such endpoint, BackendError for everything else.
        """
        model = str(form["model"])
        with self._redactor.redacting(authorization):
            try:
                async with (
                    asyncio.timeout(self._settings.first_token_timeout),
                    self._client.audio.transcriptions.with_streaming_response.create(
                        **form,
                        response_format="json",
                        extra_headers=self._session.headers(authorization),
                    ) as response,
                ):
                    return parse_json(await response.http_response.aread())
            except TimeoutError as error:
                raise errors.timeout() from error
            except openai.APIStatusError as error:
                if is_missing_route(error.status_code, error.body, "transcriptions", model):
                    raise OllamaError(501, "the backend has no transcription of speech") from error
                raise errors.from_exception(error, model) from error
            except TRANSPORT_ERRORS as error:
                raise errors.from_exception(error, model) from error

    async def models(self) -> list[dict[str, Any]]:
        """Returns the entries of `/v1/models`, those of llama.cpp's `models` merged into them."""
        body = await self._get("models")
        if not isinstance(body, dict) or not isinstance(body.get("data"), list):
            raise BackendError(502, "backend gave no list of models", kind="unreadable")
        more = {
            entry.get("name"): entry
            for entry in body.get("models") or []
            if isinstance(entry, dict)
        }
        entries = [
            {**more.get(entry.get("id"), {}), **entry}
            for entry in body["data"]
            if isinstance(entry, dict)
        ]
        self._detected = self._detected or detect_by_owner(entries)
        return entries

    async def properties(self, model_id: str) -> dict[str, Any]:
        """Returns llama.cpp's `/props` of a model; `{}` from a backend that has none."""
        base = str(self._client.base_url).rstrip("/").removesuffix("/v1")
        try:
            body = await self._get(f"{base}/props?model={quote(model_id, safe='')}")
        except BackendError:
            return {}
        return body if isinstance(body, dict) else {}

    async def _get(self, path: str) -> Any:
        with self._redactor.redacting():
            try:
                async with asyncio.timeout(self._settings.connect_timeout * 2):
                    response = await self._client.get(
                        path,
                        cast_to=httpx2.Response,
                        options={"headers": self._session.own_headers},
                    )
                    return parse_json(await response.aread())
            except TimeoutError as error:
                raise errors.timeout() from error
            except TRANSPORT_ERRORS as error:
                raise errors.from_exception(error, "") from error
