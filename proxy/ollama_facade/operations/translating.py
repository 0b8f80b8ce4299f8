"""A request in another dialect than Ollama's: checks, then relayed as it is or run as a chat."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from ollama_facade.backend.client import Backend
from ollama_facade.backend.routes import NoRouteError
from ollama_facade.catalog.registry import Catalog
from ollama_facade.config.settings import Settings
from ollama_facade.errors import OllamaError
from ollama_facade.operations import checks
from ollama_facade.operations.context import Json, RequestContext, SseStream
from ollama_facade.operations.loaded import Loaded
from ollama_facade.operations.pipeline import prepared
from ollama_facade.operations.relaying import Batches, Relay
from ollama_facade.operations.resolve import installed
from ollama_facade.translate.accumulator import Accumulator
from ollama_facade.translate.apis.pass_through import Passage
from ollama_facade.translate.deltas import Completion, OutputDelta, each_delta
from ollama_facade.translate.metrics import counts
from ollama_facade.translate.requests import BackendRequest, chat_request

MEDIA_TYPE = "application/json"


class EventRenderer(Protocol):
    """How Pieces and an Ending look on one route; it remembers what a stream has opened."""

    def pieces(self, pieces: Sequence[OutputDelta]) -> list[dict[str, Any]]:
        """The events of Pieces."""

    def ending(self, ending: Completion) -> list[dict[str, Any]]:
        """The events that end the stream."""

    def failed(self, error: OllamaError) -> list[dict[str, Any]]:
        """The events of a failure in mid-stream, or the error itself, raised."""

    def whole(self, ending: Completion) -> dict[str, Any]:
        """The answer that was not streamed."""


@dataclass(slots=True)
class _Run:
    request: Callable[[], BackendRequest]
    generation: Accumulator
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
        call: RequestContext,
        dress: EventRenderer,
        passage: Passage,
        *,
        left_out: Sequence[str] = (),
        lenient: bool = False,
    ) -> Json | SseStream:
        """The answer to a `ChatRequest`, dressed, or to the `passage` that it was made of.

        The checks are those of `/api/chat`, in order, also where the backend speaks the dialect.
        `left_out` is named in the header of what was dropped. `lenient`: thinking asked of a model
        that cannot is dropped (golden anthropic/thinking-unsupported), which only a chat can do.
        """
        name = body.get("model") or ""
        model = await installed(self._catalog, name, "chat", self._settings)
        unable = model.capabilities_known and "thinking" not in model.capabilities
        forgiven = lenient and unable and bool(body.get("think"))
        if forgiven:
            body = {**body, "think": None}
        think = checks.check_generation(body, model, name, "chat")
        keep_alive = None
        self._loaded.load(model, keep_alive)
        stream = body.get("stream") is True
        if not body.get("messages"):
            return _loaded(dress, stream=stream)
        dialect = self._backend.dialect

        def request() -> BackendRequest:
            made = chat_request(body, model, dialect, stream, think=think)
            made.drop(*left_out)
            return made

        run = _Run(
            request,
            Accumulator(split_thinking=not unable, drop_thinking=think is False),
            lambda: self._loaded.load(model, keep_alive),
        )
        relay = Relay(self._backend, passage, model, call, run.done)
        relayed = relay.is_possible and not forgiven
        if stream:
            translated = partial(self._events, run, call, dress)
            return SseStream(relay.events(translated) if relayed else translated(), named=True)
        if relayed:
            with suppress(NoRouteError):
                return Json(await relay.whole(), media_type=MEDIA_TYPE)
        return Json(await self._folded(run, call, dress), media_type=MEDIA_TYPE)

    async def _events(self, run: _Run, call: RequestContext, dress: EventRenderer) -> Batches:
        begun = False
        try:
            async with aclosing(self._backend.stream(prepared(run.request(), call))) as batches:
                async for deltas in batches:
                    fed = [run.generation.feed(delta) for delta in each_delta(deltas)]
                    if pieces := [piece for piece in fed if piece is not None]:
                        yield dress.pieces(pieces)
                        begun = True
            ending = run.generation.finish()
            call.prompt_tokens, call.answer_tokens = counts(ending)
            yield dress.ending(ending)
        except OllamaError as error:
            if not begun:
                raise
            call.failure = error
            yield dress.failed(error)
        finally:
            run.done()

    async def _folded(
        self, run: _Run, call: RequestContext, dress: EventRenderer
    ) -> dict[str, Any]:
        request = prepared(run.request(), call)
        try:
            delta = await self._backend.complete(request)
        finally:
            run.done()
        delta.finish = delta.finish or "stop"
        run.generation.feed(delta)
        ending = run.generation.finish()
        call.prompt_tokens, call.answer_tokens = counts(ending)
        return dress.whole(ending)


def _loaded(dress: EventRenderer, *, stream: bool) -> Json | SseStream:
    """Without messages nothing is asked: an empty answer (golden openai/responses-no-input)."""
    ending = Completion("load", OutputDelta())
    if not stream:
        return Json(dress.whole(ending), media_type=MEDIA_TYPE)

    async def events() -> AsyncGenerator[list[dict[str, Any]], None]:
        yield dress.ending(ending)

    return SseStream(events(), named=True)
