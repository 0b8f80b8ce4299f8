"""The one client of the process: the official OpenAI SDK, read raw.

The SDK does the address, the key, headers, timeouts and statuses; the bytes of the answer are read
here, because its objects cost ten times as much a chunk and hide cut streams (design.md §4.4).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager
from typing import Any
from urllib.parse import quote

import aiohttp
import httpx2
import openai
import structlog

from proxy.backend import faults
from proxy.backend.calls import Calls
from proxy.backend.deltas import T, not_a_completion, parsed, read_events
from proxy.backend.habits import Habits
from proxy.backend.posting import Answer
from proxy.backend.recognition import owner, recognise
from proxy.backend.routes import RELAYED, Routes
from proxy.backend.secrets import Secrets
from proxy.backend.speech import transcribed
from proxy.backend.transport import make_client
from proxy.errors import BackendError
from proxy.settings import Settings
from proxy.translate.delta import Delta
from proxy.translate.dialect import Dialect, dialect
from proxy.translate.reading import read_delta
from proxy.translate.requests import Request

DRAIN_TIMEOUT = 0.25
"""Seconds that a connection gets to end after ``[DONE]``; one that does not is closed."""


BROKEN = (httpx2.HTTPError, aiohttp.ClientError, OSError)
"""What reading an answer may raise when the connection or its framing breaks."""


_log = structlog.get_logger(__name__)


class Backend:
    """Asks the backend. Every failure is a BackendError; a cancelled caller closes the call."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client = make_client(settings)
        self._calls = Calls(settings, self._client)
        self._recognised = recognise(settings)
        self._habits = Habits()
        self._routes = Routes()
        self._secrets = Secrets(settings)

    @property
    def dialect(self) -> Dialect:
        """What this backend takes: as told, by its address, by its list, or the default."""
        return dialect(self._recognised or "default")

    def has(self, endpoint: str, model: str) -> bool:
        """Whether a route that not every backend has is worth asking for a model (`routes.py`)."""
        return self._routes.has(self.dialect, endpoint, model)

    async def close(self) -> None:
        """Closes every connection."""
        await self._client.close()

    def stream(self, request: Request) -> AsyncGenerator[list[Delta], None]:
        """The answer to `request` as it comes: Deltas that arrived together in one list."""
        return self.events(request, read_delta)

    async def events(
        self, request: Request, read: Callable[[Any], T | None]
    ) -> AsyncGenerator[list[T], None]:
        """What `read` makes of each JSON value of the stream; those that came together in one list.

        Ends when the backend has finished. A backend that answers whole although a stream was asked
        for gives one value. Raises BackendError, also for silence: before the first one after
        `first_token_timeout`, between two after `idle_timeout`, whatever comments come.
        """
        settings = self._settings
        finished = started = False
        try:
            async with (
                asyncio.timeout(settings.first_token_timeout) as deadline,
                self._open(request) as response,
            ):
                loop = asyncio.get_running_loop()
                async with aclosing(read_events(response, read)) as batches:
                    async for told in batches:
                        # Nobody waits for the backend while the client is being written to.
                        deadline.reschedule(None)
                        if told:
                            yield told
                            started = True
                            finished = finished or any(one.finish for one in told)
                            wait = settings.tail_timeout if finished else settings.idle_timeout
                        else:
                            wait = DRAIN_TIMEOUT
                        deadline.reschedule(loop.time() + wait)
        except TimeoutError as error:
            if finished:
                return
            if started:
                raise BackendError(504, "backend stopped answering", kind="idle") from error
            raise faults.timed_out() from error

    async def complete(self, request: Request) -> Delta:
        """The whole answer to `request` as one Delta."""
        return read_delta(await self.answer(request)) or Delta()

    async def answer(self, request: Request) -> Any:
        """The whole answer to `request` as the backend gave it, an object with `choices`."""
        body = await self.value(request)
        with self._secrets.hidden(request.authorization):
            if read_delta(body) is None or not isinstance(body.get("choices"), list):
                raise not_a_completion()
        return body

    async def embeddings(self, request: Request) -> Any:
        """The parsed answer of the backend's embeddings endpoint."""
        return await self.value(request)

    async def value(self, request: Request) -> Any:
        """The parsed answer to any request that is not streamed; nobody has looked what it is.

        Raises BackendError, NoRouteError (`routes.py`) where the backend lacks the route.
        """
        try:
            async with (
                asyncio.timeout(self._settings.first_token_timeout),
                self._open(request) as response,
            ):
                return parsed(await response.aread())
        except TimeoutError as error:
            raise faults.timed_out() from error

    async def transcription(self, form: Mapping[str, Any], authorization: str) -> Any:
        """The parsed answer of the backend's transcriptions endpoint; `form` are its fields."""
        headers, seconds = self._calls.headers(authorization), self._settings.first_token_timeout
        with self._secrets.hidden(authorization):
            return await transcribed(self._client, form, headers, seconds)

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
        self._recognised = self._recognised or owner(entries)
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
                async with asyncio.timeout(self._settings.connect_timeout * 2):
                    response = await self._client.get(
                        path, cast_to=httpx2.Response, options={"headers": self._calls.own}
                    )
                    return parsed(await response.aread())
            except TimeoutError as error:
                raise faults.timed_out() from error
            except (openai.OpenAIError, *BROKEN) as error:
                raise faults.from_exception(error, "") from error

    @asynccontextmanager
    async def _open(self, request: Request) -> AsyncIterator[Answer]:
        """The open response. A refusal becomes a BackendError, but for one that ends well.

        A request of which a parameter is refused by name is sent without it (`habits.py`). Nothing
        had been generated.
        """
        closing = self.dialect.closes_streams and bool(request.arguments.get("stream"))
        self._habits.apply(request)
        with self._secrets.hidden(request.authorization), self._failing(request):
            while True:
                try:
                    answer = await self._calls.sent(request, closing=closing)
                    break
                except openai.APIStatusError as error:
                    self._routes.learn(request, error)
                    if not self._habits.learn(request, error.status_code, error.body):
                        raise
            try:
                yield answer
            finally:
                await answer.aclose()

    @contextmanager
    def _failing(self, request: Request) -> Iterator[None]:
        """Every foreign failure but a timeout of ours becomes a BackendError."""
        try:
            yield
        except (openai.OpenAIError, *BROKEN) as error:
            if isinstance(error, TimeoutError):
                raise
            model = str(request.arguments.get("model"))
            told = faults.from_exception(
                error,
                model,
                clients_key=self._settings.forward_key,
                relayed=request.endpoint in RELAYED,
            )
            if told.status >= 500:
                reason = self._secrets.without(faults.reason(error), request.authorization)
                _log.warning("backend failed", model=model[:200], reason=reason)
            raise told from error
