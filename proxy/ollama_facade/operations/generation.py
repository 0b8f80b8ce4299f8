"""The six routes that generate text. Each is a parser, a renderer, and one run of the pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, TypeAlias

from ollama_facade.clock import SECOND
from ollama_facade.operations.context import (
    Form,
    Generated,
    NdjsonStream,
    RequestContext,
    SseStream,
)
from ollama_facade.operations.pipeline import Pipeline
from ollama_facade.operations.resolve import refuse_cloud
from ollama_facade.operations.services import Services
from ollama_facade.translate.apis import (
    anthropic_parser,
    ollama_chat,
    ollama_generate,
    openai_parser,
    responses_parser,
)
from ollama_facade.translate.apis.anthropic_renderer import MessagesRenderer
from ollama_facade.translate.apis.openai_renderer import CompletionPassThrough, Head
from ollama_facade.translate.apis.pass_through import NativePassThrough
from ollama_facade.translate.apis.responses_renderer import ResponsesRenderer
from ollama_facade.translate.generation import GenerationRequest
from ollama_facade.translate.models import Model

Body: TypeAlias = Mapping[str, Any]

OLLAMA = Form(NdjsonStream, streams_loading=False)
OPENAI = Form(partial(SseStream, done=True))
EVENTS = Form(partial(SseStream, named=True), media_type="application/json")
"""Of `/v1/messages` and `/v1/responses`."""


class Generation:
    """The operations that generate text. Each raises OllamaError."""

    def __init__(self, services: Services) -> None:
        self._clock = services.clock
        self._settings = services.settings
        self._pipeline = Pipeline(services)

    async def chat(self, body: Body, context: RequestContext) -> Generated:
        """`POST /api/chat` (inference.md §6)."""
        generation = ollama_chat.parse(body)
        renderer = ollama_chat.ChatRenderer(generation.model)
        return await self._pipeline.run(generation, lambda _model: renderer, OLLAMA, context)

    async def generate(self, body: Body, context: RequestContext) -> Generated:
        """`POST /api/generate` (inference.md §5)."""
        generation = ollama_generate.parse(body)

        def renderer(model: Model) -> ollama_generate.GenerateRenderer:
            return ollama_generate.GenerateRenderer(generation.model, body, model)

        return await self._pipeline.run(generation, renderer, OLLAMA, context)

    async def create_chat_completion(self, body: Body, context: RequestContext) -> Generated:
        """`POST /v1/chat/completions` (management.md §4.1)."""
        refuse_cloud(body.get("model") or "", self._settings)
        generation = openai_parser.parse_chat(body)
        return await self._complete(generation, body, "chat.completion", context)

    async def create_completion(self, body: Body, context: RequestContext) -> Generated:
        """`POST /v1/completions` (management.md §4.2). Without a prompt the model is loaded."""
        refuse_cloud(body.get("model") or "", self._settings)
        generation = openai_parser.parse_completion(body)
        return await self._complete(generation, body, "text_completion", context)

    async def create_response(self, body: Body, context: RequestContext) -> Generated:
        """`POST /v1/responses`; nothing is stored (management.md §4.5)."""
        generation = responses_parser.parse(body)
        renderer = ResponsesRenderer(body, self._clock.wall() // SECOND)
        native = NativePassThrough("responses", body)
        return await self._pipeline.run(
            generation, lambda _model: renderer, EVENTS, context, native
        )

    async def create_message(self, body: Body, context: RequestContext) -> Generated:
        """`POST /v1/messages` (management.md §4.7)."""
        generation = anthropic_parser.parse(body)
        estimate = anthropic_parser.estimated_tokens(body)
        renderer = MessagesRenderer(generation.model, estimate)
        native = NativePassThrough("messages", body, context.anthropic)
        return await self._pipeline.run(
            generation, lambda _model: renderer, EVENTS, context, native
        )

    async def _complete(
        self, generation: GenerationRequest, body: Body, name: str, context: RequestContext
    ) -> Generated:
        """The backend's own answer; one without an id and a time gets those of this moment."""
        now = self._clock.wall()
        prefix = "cmpl" if name == "text_completion" else "chatcmpl"
        head = Head(name, generation.model, f"{prefix}-{now}", now // SECOND)
        choices = body.get("n") if type(body.get("n")) is int else 1
        pass_through = CompletionPassThrough(generation.build, head, choices=choices or 1)
        return await self._pipeline.relay(generation, pass_through, OPENAI, context)
