"""`/api/embed`, `/api/embeddings`, `/v1/embeddings` (inference.md §7, §8; management.md §4.3)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from ollama_facade.errors import BackendError, OllamaError
from ollama_facade.golang.duration import parse_keep_alive
from ollama_facade.operations.context import Json, RequestContext
from ollama_facade.operations.pipeline import Pipeline
from ollama_facade.operations.resolve import installed, refuse_cloud
from ollama_facade.operations.services import Services
from ollama_facade.translate.apis import openai_renderer
from ollama_facade.translate.apis.openai_checks import embedding_inputs
from ollama_facade.translate.embeddings import (
    base64_texts,
    digits,
    embed_answer,
    embeddings_answer,
    read_inputs,
    read_prompt_tokens,
    read_vectors,
    unit_vectors,
)
from ollama_facade.translate.models import Model
from ollama_facade.translate.options import check_options
from ollama_facade.translate.requests import embed_request

Body: TypeAlias = Mapping[str, Any]

TOO_LONG = "the input length exceeds the context length"
CANNOT_CUT = "input exceeds maximum context length and cannot be truncated further"

_SAYS_TOO_LONG = re.compile(
    r"too (large|long)|context (length|size|window)|maximum context|max(imum)? input length"
    r"|exceeds? (the )?(context|max)",
    re.IGNORECASE,
)


class Embedding:
    """The operations that embed text. Each raises OllamaError."""

    def __init__(self, services: Services) -> None:
        self._catalog = services.catalog
        self._backend = services.backend
        self._loaded = services.loaded
        self._clock = services.clock
        self._settings = services.settings
        self._pipeline = Pipeline(services)

    async def embed(self, body: Body, context: RequestContext) -> Json:
        """`POST /api/embed`: unit vectors in the order of the inputs."""
        name = body.get("model") or ""
        model, inputs = await self._model_and_inputs(name, body.get("input"))
        check_options(body.get("options"))
        keep_alive = parse_keep_alive(body.get("keep_alive"))
        self._loaded.load(model, keep_alive)
        if not inputs:
            return Json(embed_answer(name, None))
        sent_at = self._clock.monotonic()
        dimensions = body.get("dimensions")
        try:
            value = await self._vectors(
                inputs, model, context, dimensions, body.get("options"), keep_alive
            )
        except BackendError as error:
            raise embedding_failure(error, truncate=body.get("truncate") is not False) from error
        metrics = {
            "total_duration": max(self._clock.monotonic() - context.started, 1),
            "load_duration": max(sent_at - context.started, 1),
            "prompt_eval_count": context.prompt_tokens,
        }
        return Json(embed_answer(name, read_vectors(value, len(inputs)), dimensions, metrics))

    async def embeddings(self, body: Body, context: RequestContext) -> Json:
        """`POST /api/embeddings`: one vector as the backend gives it; every failure is a 500."""
        name = body.get("model") or ""
        model = await installed(self._catalog, name, "embeddings", self._settings)
        options, prompt = body.get("options"), body.get("prompt")
        check_options(options)
        keep_alive = parse_keep_alive(body.get("keep_alive"))
        self._loaded.load(model, keep_alive)
        if not prompt:
            return Json(embeddings_answer(None))
        try:
            value = await self._vectors([prompt], model, context, None, options, keep_alive)
            vectors = read_vectors(value, 1)
        except OllamaError as error:
            text = TOO_LONG if _SAYS_TOO_LONG.search(error.message) else error.message
            raise OllamaError(500, text) from error
        return Json(embeddings_answer(vectors))

    async def create_embeddings(self, body: Body, context: RequestContext) -> Json:
        """`POST /v1/embeddings`: unit vectors, as `/api/embed` gives them."""
        name = body.get("model") or ""
        refuse_cloud(name, self._settings)
        model, inputs = await self._model_and_inputs(name, embedding_inputs(body))
        dimensions, keep_alive = body.get("dimensions"), self._settings.keep_alive
        self._loaded.load(model, keep_alive)
        try:
            value = await self._vectors(inputs, model, context, dimensions, None, keep_alive)
        except BackendError as error:
            raise embedding_failure(error, truncate=True) from error
        units = unit_vectors(read_vectors(value, len(inputs)), dimensions)
        as_text = (body.get("encoding_format") or "").lower() == "base64"
        encoded = base64_texts(units) if as_text else digits(units)
        return Json(openai_renderer.embeddings_answer(name, encoded, context.prompt_tokens))

    async def _model_and_inputs(self, name: str, value: Any) -> tuple[Model, list[str]]:
        """A missing or malformed name comes before a wrong `input`, an unknown model after it."""
        try:
            model = await installed(self._catalog, name, "embed", self._settings)
        except OllamaError as error:
            if error.status == 404 and name.strip():
                read_inputs(value)
            raise
        return model, read_inputs(value)

    async def _vectors(
        self,
        inputs: Sequence[str],
        model: Model,
        context: RequestContext,
        dimensions: int | None,
        options: Any,
        keep_alive: int | None,
    ) -> Any:
        """The backend's parsed answer; its tokens are counted."""
        request = embed_request(inputs, model, self._backend.dialect, dimensions, options)
        try:
            async with self._pipeline.open(request, context) as response:
                value = await response.value()
        finally:
            self._loaded.load(model, keep_alive)
        context.prompt_tokens = read_prompt_tokens(value)
        return value


def embedding_failure(error: BackendError, *, truncate: bool) -> OllamaError:
    """An input that is too long has Ollama's own texts (inference.md §7.2).

    Ollama would cut the input by the model's tokens, which only the backend could do.
    """
    if not _SAYS_TOO_LONG.search(error.message):
        return error
    return BackendError(400, CANNOT_CUT if truncate else TOO_LONG, kind=error.kind)
