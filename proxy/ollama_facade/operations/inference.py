"""`/api/chat` and `/api/generate`: checks in Ollama's order, then one run of the backend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ollama_facade.backend.client import Backend
from ollama_facade.catalog.registry import Catalog
from ollama_facade.clock import Clock
from ollama_facade.config.settings import Settings
from ollama_facade.golang.duration import parse_keep_alive
from ollama_facade.operations import checks
from ollama_facade.operations.context import Json, NdjsonStream, RequestContext
from ollama_facade.operations.dresses import ChatRenderer, GenerateRenderer
from ollama_facade.operations.loaded import Loaded
from ollama_facade.operations.pipeline import Answering, Run
from ollama_facade.operations.resolve import installed
from ollama_facade.translate.accumulator import Accumulator
from ollama_facade.translate.apis.ollama_chat import chat_lifecycle
from ollama_facade.translate.apis.ollama_generate import generate_lifecycle
from ollama_facade.translate.context import generate_context
from ollama_facade.translate.models import Model
from ollama_facade.translate.requests import chat_request, generate_request


class Inference:
    """The operations that generate text."""

    def __init__(
        self, catalog: Catalog, backend: Backend, loaded: Loaded, clock: Clock, settings: Settings
    ) -> None:
        self._catalog = catalog
        self._backend = backend
        self._loaded = loaded
        self._clock = clock
        self._settings = settings
        self._answering = Answering(backend, clock)

    async def chat(self, body: Mapping[str, Any], call: RequestContext) -> Json | NdjsonStream:
        """`POST /api/chat` (inference.md §6)."""
        checks.check_top_logprobs(body)
        name = body.get("model") or ""
        model = await installed(self._catalog, name, "chat", self._settings)
        keep_alive = parse_keep_alive(body.get("keep_alive"))
        messages = body.get("messages")
        if not messages and keep_alive == 0:
            self._loaded.unload(model)
            return Json(chat_lifecycle(name, self._clock.timestamp(), "unload"))
        think = checks.check_generation(body, model, name, "chat")
        self._loaded.load(model, keep_alive)
        if not messages:
            return Json(chat_lifecycle(name, self._clock.timestamp(), "load"))
        stream = body.get("stream") is not False
        dialect = self._backend.dialect
        run = Run(
            request=lambda: chat_request(body, model, dialect, stream, think=think),
            generation=_generation(body, model, think),
            dress=ChatRenderer(name),
            done=lambda: self._loaded.load(model, keep_alive),
        )
        return await self._answering.answer(run, call, stream=stream)

    async def generate(self, body: Mapping[str, Any], call: RequestContext) -> Json | NdjsonStream:
        """`POST /api/generate` (inference.md §5)."""
        checks.check_top_logprobs(body)
        name = body.get("model") or ""
        model = await installed(self._catalog, name, "generate", self._settings)
        keep_alive = parse_keep_alive(body.get("keep_alive"))
        prompt = body.get("prompt")
        if not prompt and keep_alive == 0:
            self._loaded.unload(model)
            return Json(generate_lifecycle(name, self._clock.timestamp(), "unload"))
        checks.check_generate(body, model)
        think = checks.check_generation(body, model, name, "generate")
        self._loaded.load(model, keep_alive)
        if not prompt:
            return Json(generate_lifecycle(name, self._clock.timestamp(), "load"))
        stream = body.get("stream") is not False
        dialect = self._backend.dialect
        context = None if body.get("raw") else lambda text: generate_context(body, text, model)
        run = Run(
            request=lambda: generate_request(body, model, dialect, stream, think=think),
            generation=_generation(body, model, think),
            dress=GenerateRenderer(name, context),
            done=lambda: self._loaded.load(model, keep_alive),
        )
        return await self._answering.answer(run, call, stream=stream)


def _generation(body: Mapping[str, Any], model: Model, think: bool | str | None) -> Accumulator:
    """Tags are looked for where the model may think; a model known not to keeps its text."""
    return Accumulator(
        split_thinking="thinking" in model.capabilities or not model.capabilities_known,
        drop_thinking=think is False,
        alternatives=(body.get("top_logprobs") or 0) if body.get("logprobs") else None,
    )
