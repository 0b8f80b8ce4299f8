"""One chat of the backend for a route of another dialect: checks, run, dress."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol

from proxy.backend.client import Backend
from proxy.catalog.catalog import Catalog
from proxy.errors import OllamaError
from proxy.operations import checks
from proxy.operations.answering import prepared
from proxy.operations.call import Call, Events, Json
from proxy.operations.loaded import Loaded
from proxy.operations.resolving import installed
from proxy.settings import Settings
from proxy.translate.delta import Ending, Piece
from proxy.translate.generation import Generation
from proxy.translate.models import Model
from proxy.translate.options import check_options
from proxy.translate.requests import Request, chat_request

MEDIA_TYPE = "application/json"


class EventDress(Protocol):
    """How Pieces and an Ending look on one route; it remembers what a stream has opened."""

    def pieces(self, pieces: Sequence[Piece]) -> list[dict[str, Any]]:
        """The events of Pieces."""

    def ending(self, ending: Ending) -> list[dict[str, Any]]:
        """The events that end the stream."""

    def failed(self, error: OllamaError) -> list[dict[str, Any]]:
        """The events of a failure in mid-stream, or the error itself, raised."""

    def whole(self, ending: Ending) -> dict[str, Any]:
        """The answer that was not streamed."""


@dataclass(slots=True)
class _Run:
    request: Callable[[], Request]
    generation: Generation
    done: Callable[[], None]


class Translating:
    """Runs chats for `/v1/messages` and `/v1/responses`."""

    def __init__(
        self, catalog: Catalog, backend: Backend, loaded: Loaded, settings: Settings
    ) -> None:
        self._catalog = catalog
        self._backend = backend
        self._loaded = loaded
        self._settings = settings

    async def answer(
        self,
        body: dict[str, Any],
        call: Call,
        dress: EventDress,
        *,
        left_out: Sequence[str] = (),
        lenient: bool = False,
    ) -> Json | Events:
        """The answer to a `ChatRequest`, dressed. The checks are those of `/api/chat`, in order.

        `left_out` is named in the header of what was dropped. `lenient`: thinking asked of a model
        that cannot is dropped (golden anthropic/thinking-unsupported).
        """
        name = body.get("model") or ""
        model = await installed(self._catalog, name, "chat", self._settings)
        think = self._thinking(model, name, body.get("think"), lenient=lenient)
        checks.check_completion(model, name, "chat")
        if body.get("tools"):
            checks.check_capability(model, "tools")
        check_options(body.get("options"))
        keep_alive = None
        self._loaded.load(model, keep_alive)
        stream = body.get("stream") is True
        if not body.get("messages"):
            return _loaded(dress, stream=stream)
        dialect = self._backend.dialect

        def request() -> Request:
            made = chat_request(body, model, dialect, stream, think=think)
            made.drop(*left_out)
            return made

        may_think = "thinking" in model.capabilities or not model.capabilities_known
        run = _Run(
            request,
            Generation(split_thinking=may_think, drop_thinking=think is False),
            lambda: self._loaded.load(model, keep_alive),
        )
        if stream:
            return Events(self._events(run, call, dress), named=True)
        return Json(await self._folded(run, call, dress), media_type=MEDIA_TYPE)

    def _thinking(
        self, model: Model, name: str, think: bool | str | None, *, lenient: bool
    ) -> bool | str | None:
        if lenient and model.capabilities_known and "thinking" not in model.capabilities:
            think = None
        return checks.thinking(model, name, think)

    async def _events(
        self, run: _Run, call: Call, dress: EventDress
    ) -> AsyncGenerator[list[dict[str, Any]], None]:
        begun = False
        try:
            async with aclosing(self._backend.stream(prepared(run.request(), call))) as batches:
                async for deltas in batches:
                    fed = [run.generation.feed(delta) for delta in deltas]
                    if pieces := [piece for piece in fed if piece is not None]:
                        yield dress.pieces(pieces)
                        begun = True
            yield dress.ending(run.generation.finish())
        except OllamaError as error:
            if not begun:
                raise
            call.failure = error
            yield dress.failed(error)
        finally:
            run.done()

    async def _folded(self, run: _Run, call: Call, dress: EventDress) -> dict[str, Any]:
        request = prepared(run.request(), call)
        try:
            delta = await self._backend.complete(request)
        finally:
            run.done()
        delta.finish = delta.finish or "stop"
        run.generation.feed(delta)
        return dress.whole(run.generation.finish())


def _loaded(dress: EventDress, *, stream: bool) -> Json | Events:
    """Without messages nothing is asked: an empty answer (golden openai/responses-no-input)."""
    ending = Ending("load", Piece())
    if not stream:
        return Json(dress.whole(ending), media_type=MEDIA_TYPE)

    async def events() -> AsyncGenerator[list[dict[str, Any]], None]:
        yield dress.ending(ending)

    return Events(events(), named=True)
