"""The one client of the process: the official OpenAI SDK, read raw.

The SDK does the address, the key, headers, timeouts and statuses; the bytes of the answer are read
here, because its objects cost ten times as much a chunk and hide cut streams (design.md §4.4).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, cast
from urllib.parse import quote

import httpx2

from ollama_facade.backend import errors
from ollama_facade.backend.detection import detect, detect_by_owner
from ollama_facade.backend.event_template import EventTemplate
from ollama_facade.backend.patience import Patience
from ollama_facade.backend.redaction import Redactor
from ollama_facade.backend.session import TRANSPORT_ERRORS, BackendSession
from ollama_facade.backend.stream import T, not_a_completion, parsed, read_events
from ollama_facade.backend.transcription import transcription
from ollama_facade.backend.transport import make_client
from ollama_facade.config.settings import Settings
from ollama_facade.errors import BackendError
from ollama_facade.translate.chunks import parse_chunk
from ollama_facade.translate.deltas import StreamDelta, TextRun
from ollama_facade.translate.dialect_table import dialect
from ollama_facade.translate.dialects import Dialect
from ollama_facade.translate.requests import BackendRequest

DRAIN_TIMEOUT = 0.25
"""Seconds that a connection gets to end after ``[DONE]``; one that does not is closed."""


class Backend:
    """Asks the backend. Every failure is a BackendError; a cancelled caller closes the call."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client = make_client(settings)
        self._recognised = detect(settings)
        self._secrets = Redactor(settings)
        self._asking = BackendSession(settings, self._client, self._secrets, lambda: self.dialect)

    @property
    def dialect(self) -> Dialect:
        """What this backend takes: as told, by its address, by its list, or the default."""
        return dialect(self._recognised or "default")

    def has(self, endpoint: str, model: str) -> bool:
        """Whether a route that not every backend has is worth asking for a model (`routes.py`)."""
        return self._asking.routes.has(self.dialect, endpoint, model)

    async def close(self) -> None:
        """Closes every connection."""
        await self._client.close()

    def stream(
        self, request: BackendRequest
    ) -> AsyncGenerator[Sequence[StreamDelta | TextRun], None]:
        """The answer to `request` as it comes: Deltas that arrived together in one list."""
        return self._events(request, parse_chunk, EventTemplate())

    def events(
        self, request: BackendRequest, read: Callable[[Any], T | None]
    ) -> AsyncGenerator[Sequence[T], None]:
        """What `read` makes of each JSON value of the stream, as `stream` does of Deltas."""
        return cast("AsyncGenerator[Sequence[T], None]", self._events(request, read, None))

    async def _events(
        self,
        request: BackendRequest,
        read: Callable[[Any], T | None],
        repeats: EventTemplate | None,
    ) -> AsyncGenerator[Sequence[T | TextRun], None]:
        """What `read` makes of each JSON value of the stream; those that came together in one list.

        Ends when the backend has finished. A backend that answers whole although a stream was asked
        for gives one value. Raises BackendError, also for silence: before the first one after
        `first_token_timeout`, between two after `idle_timeout`, whatever comments come.
        """
        settings = self._settings
        finished = started = False
        try:
            with Patience(settings.first_token_timeout) as patience:
                async with (
                    self._asking.opened(request) as response,
                    aclosing(read_events(response, read, repeats)) as batches,
                ):
                    async for told in batches:
                        # Nobody waits for the backend while the client is being written to.
                        patience.pause()
                        if told:
                            yield told
                            started = True
                            finished = finished or any(one.finish for one in told)
                            wait = settings.tail_timeout if finished else settings.idle_timeout
                        else:
                            wait = DRAIN_TIMEOUT
                        patience.wait(wait)
        except TimeoutError as error:
            if finished:
                return
            if started:
                raise BackendError(504, "backend stopped answering", kind="idle") from error
            raise errors.timeout() from error

    async def complete(self, request: BackendRequest) -> StreamDelta:
        """The whole answer to `request` as one Delta."""
        return (await self._completion(request))[1]

    async def answer(self, request: BackendRequest) -> Any:
        """The whole answer to `request` as the backend gave it, an object with `choices`."""
        return (await self._completion(request))[0]

    async def _completion(self, request: BackendRequest) -> tuple[Any, StreamDelta]:
        body = await self.value(request)
        with self._secrets.hidden(request.authorization):
            delta = parse_chunk(body)
            if delta is None or not isinstance(body.get("choices"), list):
                raise not_a_completion()
        return body, delta

    async def embeddings(self, request: BackendRequest) -> Any:
        """The parsed answer of the backend's embeddings endpoint."""
        return await self.value(request)

    async def value(self, request: BackendRequest) -> Any:
        """The parsed answer to any request that is not streamed; nobody has looked what it is.

        Raises BackendError, NoRouteError (`routes.py`) where the backend lacks the route.
        """
        try:
            with Patience(self._settings.first_token_timeout):
                async with self._asking.opened(request) as response:
                    return parsed(await response.aread())
        except TimeoutError as error:
            raise errors.timeout() from error

    async def transcription(self, form: Mapping[str, Any], authorization: str) -> Any:
        """The parsed answer of the backend's transcriptions endpoint; `form` are its fields."""
        headers = self._asking.calls.headers(authorization)
        seconds = self._settings.first_token_timeout
        with self._secrets.hidden(authorization):
            return await transcription(self._client, form, headers, seconds)

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
        entries = [
            {**more.get(entry.get("id"), {}), **entry}
            for entry in body["data"]
            if isinstance(entry, dict)
        ]
        self._recognised = self._recognised or detect_by_owner(entries)
        return entries

    async def properties(self, model_id: str) -> dict[str, Any]:
        """llama.cpp's `/props` for a model; `{}` from a backend that has none."""
        base = str(self._client.base_url).rstrip("/").removesuffix("/v1")
        try:
            body = await self._get(f"{base}/props?model={quote(model_id, safe='')}")
        except BackendError:
            return {}
        return body if isinstance(body, dict) else {}

    async def _get(self, path: str) -> Any:
        with self._secrets.hidden():
            try:
                with Patience(self._settings.connect_timeout * 2):
                    response = await self._client.get(
                        path, cast_to=httpx2.Response, options={"headers": self._asking.calls.own}
                    )
                    return parsed(await response.aread())
            except TimeoutError as error:
                raise errors.timeout() from error
            except TRANSPORT_ERRORS as error:
                raise errors.from_exception(error, "") from error
