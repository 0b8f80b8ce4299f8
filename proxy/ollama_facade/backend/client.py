"""The one client of the process: the official OpenAI SDK, read raw.

The SDK does the address, the key, headers, timeouts and statuses; the bytes of the answer are read
here, because its objects cost ten times as much a chunk and hide cut streams (design.md §4.4).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any, cast
from urllib.parse import quote

import httpx2

from ollama_facade.backend import errors
from ollama_facade.backend.detection import detect, detect_by_owner
from ollama_facade.backend.event_template import EventTemplate
from ollama_facade.backend.exchange import BackendResponse
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


class Response:
    """The open response to one request."""

    def __init__(
        self,
        request: BackendRequest,
        answer: BackendResponse,
        patience: Patience,
        settings: Settings,
    ) -> None:
        self.request = request
        """The request as it was sent at last: what the backend refused is in its `dropped`."""
        self.started = False
        """Whether the backend has said anything."""
        self.finished = False
        """Whether the backend has given a reason for the end."""
        self._answer = answer
        self._patience = patience
        self._settings = settings

    def deltas(self) -> AsyncGenerator[Sequence[StreamDelta | TextRun], None]:
        """The response as it comes: what arrived together in one list.

        Ends when the backend has finished. A backend that answers whole although a stream was asked
        for gives one delta.
        """
        return self._batches(parse_chunk, EventTemplate())

    def events(self, parse: Callable[[Any], T | None]) -> AsyncGenerator[Sequence[T], None]:
        """What `parse` makes of each JSON value of the stream, as `deltas` does of deltas."""
        return cast("AsyncGenerator[Sequence[T], None]", self._batches(parse, None))

    async def _batches(
        self, parse: Callable[[Any], T | None], template: EventTemplate | None
    ) -> AsyncGenerator[Sequence[T | TextRun], None]:
        async with aclosing(read_events(self._answer, parse, template)) as batches:
            async for batch in batches:
                # Nobody waits for the backend while the client is being written to.
                self._patience.pause()
                if batch:
                    yield batch
                    self.started = True
                    self.finished = self.finished or any(one.finish for one in batch)
                    settings = self._settings
                    wait = settings.tail_timeout if self.finished else settings.idle_timeout
                else:
                    wait = DRAIN_TIMEOUT
                self._patience.wait(wait)

    async def value(self) -> Any:
        """The parsed JSON of a response that is not streamed, whatever it is."""
        return parsed(await self._answer.aread())

    async def completion(self) -> tuple[dict[str, Any], StreamDelta]:
        """A whole completion: as the backend gave it, and as one delta."""
        body = await self.value()
        delta = parse_chunk(body)
        if delta is None or not isinstance(body.get("choices"), list):
            raise not_a_completion()
        return body, delta


class Backend:
    """Asks the backend. Every failure is a BackendError; a cancelled caller closes the call."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client = make_client(settings)
        self._recognised = detect(settings)
        self._secrets = Redactor(settings)
        self._session = BackendSession(settings, self._client, self._secrets, lambda: self.dialect)

    @property
    def dialect(self) -> Dialect:
        """What this backend takes: as told, by its address, by its list, or the default."""
        return dialect(self._recognised or "default")

    def has(self, endpoint: str, model: str) -> bool:
        """Whether a route that not every backend has is worth asking for a model (`routes.py`)."""
        return self._session.routes.has(self.dialect, endpoint, model)

    async def close(self) -> None:
        """Closes every connection."""
        await self._client.close()

    @asynccontextmanager
    async def open(self, request: BackendRequest) -> AsyncGenerator[Response, None]:
        """A block in which the response to `request` is open.

        Raises BackendError for everything that fails before or within the block: also for silence,
        before the first delta for `first_token_timeout`, between two for `idle_timeout`. Raises
        NoRouteError (`routes.py`) where the backend lacks the route.
        """
        response: Response | None = None
        try:
            with Patience(self._settings.first_token_timeout) as patience:
                async with self._session.opened(request) as (sent, answer):
                    response = Response(sent, answer, patience, self._settings)
                    yield response
        except TimeoutError as error:
            if response is None or not response.started:
                raise errors.timeout() from error
            if not response.finished:
                raise BackendError(504, "backend stopped answering", kind="idle") from error

    async def transcription(self, form: Mapping[str, Any], authorization: str) -> Any:
        """The parsed answer of the backend's transcriptions endpoint; `form` are its fields."""
        headers = self._session.calls.headers(authorization)
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
                        path, cast_to=httpx2.Response, options={"headers": self._session.calls.own}
                    )
                    return parsed(await response.aread())
            except TimeoutError as error:
                raise errors.timeout() from error
            except TRANSPORT_ERRORS as error:
                raise errors.from_exception(error, "") from error
