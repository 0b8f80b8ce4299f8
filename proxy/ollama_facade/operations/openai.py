"""The routes of `/v1` for OpenAI's clients (management.md §4.1-4.4).

Checks are Ollama's, in its order and words. The answer is the backend's own, with every field.
"""

from __future__ import annotations

import base64
import sys
from array import array
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from ollama_facade import names
from ollama_facade.backend.client import Backend
from ollama_facade.catalog.registry import Catalog
from ollama_facade.clock import SECOND, Clock
from ollama_facade.config.settings import Settings
from ollama_facade.errors import BackendError, OllamaError
from ollama_facade.operations import checks
from ollama_facade.operations.context import Json, RequestContext, SseStream
from ollama_facade.operations.embedding import computed, embedding_failure
from ollama_facade.operations.loaded import Loaded
from ollama_facade.operations.pipeline import prepared
from ollama_facade.operations.resolve import cloud_disabled, installed
from ollama_facade.translate.apis.openai_checks import (
    check_messages,
    check_stop_texts,
    embedding_inputs,
    read_effort,
)
from ollama_facade.translate.apis.openai_parser import chat_completion_request, completion_request
from ollama_facade.translate.apis.openai_renderer import (
    ChunkReader,
    Head,
    answer_value,
    chunk_value,
    embeddings_answer,
    load_value,
    model_value,
)
from ollama_facade.translate.embeddings import (
    Vector,
    read_inputs,
    read_prompt_tokens,
    read_vectors,
    unit_digits,
    unit_vectors,
)
from ollama_facade.translate.models import Model
from ollama_facade.translate.requests import BackendRequest, embed_request


class OpenAI:
    """Lists, chats, completes and embeds in OpenAI's form."""

    def __init__(
        self, catalog: Catalog, backend: Backend, loaded: Loaded, clock: Clock, settings: Settings
    ) -> None:
        self._catalog = catalog
        self._backend = backend
        self._loaded = loaded
        self._clock = clock
        self._settings = settings

    async def list_openai_models(self, call: RequestContext) -> Json:  # noqa: ARG002 - as every operation
        """`GET /v1/models`; `data` is null where there are no models (§4.4)."""
        models = await self._catalog.models()
        entries = [model_value(model, model.name, _namespace(model)) for model in models]
        return Json({"object": "list", "data": entries or None})

    async def retrieve_openai_model(self, call: RequestContext) -> Json:
        """`GET /v1/models/{model}`: the id is the name as it was asked for (§4.4)."""
        asked = call.path["model"]
        model = await installed(self._catalog, asked, "show", self._settings)
        return Json(model_value(model, asked, _namespace(model)))

    async def create_chat_completion(
        self, body: Mapping[str, Any], call: RequestContext
    ) -> Json | SseStream:
        """`POST /v1/chat/completions` (§4.1)."""
        name = body.get("model") or ""
        self._refuse_cloud(name)
        check_messages(body.get("messages"))
        _, wanted = read_effort(body)
        checks.check_top_logprobs(body)
        model = await installed(self._catalog, name, "chat", self._settings)
        think = checks.thinking(model, name, wanted)
        checks.check_completion(model, name, "chat")
        if body.get("tools"):
            checks.check_capability(model, "tools")
        request = chat_completion_request(body, model, self._backend.dialect, think)
        return await self._answer(request, model, name, "chat.completion", call)

    async def create_completion(
        self, body: Mapping[str, Any], call: RequestContext
    ) -> Json | SseStream:
        """`POST /v1/completions` (§4.2). Without a prompt the model is loaded."""
        name = body.get("model") or ""
        self._refuse_cloud(name)
        check_stop_texts(body.get("stop"))
        model = await installed(self._catalog, name, "generate", self._settings)
        checks.check_completion(model, name, "generate")
        if body.get("suffix"):
            checks.check_capability(model, "insert")
        if not body.get("prompt"):
            self._loaded.load(model, self._settings.keep_alive)
            value = load_value(self._head("text_completion", name))
            return SseStream(_once(value), done=True) if body.get("stream") else Json(value)
        if not self._backend.dialect.completions:
            raise OllamaError(400, "the backend has no text completions")
        request = completion_request(body, model, self._backend.dialect)
        return await self._answer(request, model, name, "text_completion", call)

    async def create_embeddings(self, body: Mapping[str, Any], call: RequestContext) -> Json:
        """`POST /v1/embeddings`: unit vectors, as `/api/embed` gives them (§4.3)."""
        name = body.get("model") or ""
        self._refuse_cloud(name)
        given = embedding_inputs(body)
        try:
            model = await installed(self._catalog, name, "embed", self._settings)
        except OllamaError as error:
            if error.status == 404 and name.strip():
                read_inputs(given)
            raise
        inputs = read_inputs(given)
        dimensions = body.get("dimensions")
        request = embed_request(inputs, model, self._backend.dialect, dimensions, None)
        keep_alive = self._settings.keep_alive
        self._loaded.load(model, keep_alive)
        try:
            answer = await self._backend.embeddings(prepared(request, call))
        except BackendError as error:
            raise embedding_failure(error, truncate=True) from error
        finally:
            self._loaded.load(model, keep_alive)
        call.count(answer)
        vectors = read_vectors(answer, len(inputs))
        as_text = (body.get("encoding_format") or "").lower() == "base64"

        def made() -> bytes:
            if as_text:
                told = list(map(_base64, unit_vectors(vectors, dimensions)))
            else:
                told = unit_digits(vectors, dimensions)
            return embeddings_answer(name, told, read_prompt_tokens(answer))

        return Json(await computed(vectors, made))

    def _refuse_cloud(self, name: str) -> None:
        """Ollama looks for names of its cloud before its translators look at anything else."""
        reference = names.reference(name)
        if reference.source == "cloud" and self._settings.no_cloud and names.parse(reference.base):
            raise cloud_disabled("remote model is unavailable")

    async def _answer(
        self, request: BackendRequest, model: Model, name: str, kind: str, call: RequestContext
    ) -> Json | SseStream:
        keep_alive = self._settings.keep_alive
        self._loaded.load(model, keep_alive)
        prepared(request, call)
        if request.arguments["stream"]:
            chunk_kind = "chat.completion.chunk" if kind == "chat.completion" else kind
            head = self._head(chunk_kind, name)
            head.counted = kind == "text_completion" and "stream_options" in request.arguments
            return SseStream(self._chunks(request, model, head, call), done=True)
        try:
            answer = await self._backend.answer(request)
        finally:
            self._loaded.load(model, keep_alive)
        call.count(answer)
        return Json(answer_value(answer, self._head(kind, name)))

    async def _chunks(
        self, request: BackendRequest, model: Model, head: Head, call: RequestContext
    ) -> AsyncGenerator[list[dict[str, Any]], None]:
        """The backend's events. Raises BackendError when they end without a finish reason."""
        finished = False
        wanted = request.arguments.get("n") or request.extra_body.get("n")
        read = ChunkReader(wanted if type(wanted) is int else 1)
        try:
            async with aclosing(self._backend.events(request, read)) as batches:
                async for chunks in batches:
                    finished = finished or any(chunk.finish for chunk in chunks)
                    for chunk in chunks:
                        call.count(chunk.value)
                    yield [chunk_value(chunk, head) for chunk in chunks]
        finally:
            self._loaded.load(model, self._settings.keep_alive)
        if not finished:
            raise BackendError(502, "backend stream ended before it finished", kind="truncated")

    def _head(self, kind: str, name: str) -> Head:
        """For a backend that gives none: the id is of the time, in nanoseconds."""
        now = self._clock.wall()
        prefix = "cmpl" if kind == "text_completion" else "chatcmpl"
        return Head(kind, name, f"{prefix}-{now}", now // SECOND)


async def _once(value: dict[str, Any]) -> AsyncGenerator[list[dict[str, Any]], None]:
    yield [value]


def _namespace(model: Model) -> str:
    """Who owns a model is the namespace of its name; an id that is no name tells by itself."""
    parsed = names.parse(model.name)
    return parsed.namespace if parsed else model.owned_by or "library"


def _base64(vector: Vector) -> bytes:
    """JSON of little-endian float32."""
    values = array("f", vector)
    if sys.byteorder == "big":
        values.byteswap()
    return b'"%b"' % base64.b64encode(values.tobytes())
