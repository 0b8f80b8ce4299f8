"""`/api/embed` and `/api/embeddings` (inference.md §7, §8)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from ollama_facade.backend.client import Backend
from ollama_facade.catalog.registry import Catalog
from ollama_facade.clock import Clock
from ollama_facade.config.settings import Settings
from ollama_facade.errors import BackendError, OllamaError
from ollama_facade.golang.duration import parse_keep_alive
from ollama_facade.operations.context import Json, RequestContext
from ollama_facade.operations.loaded import Loaded
from ollama_facade.operations.pipeline import prepared
from ollama_facade.operations.resolve import installed
from ollama_facade.translate.embeddings import (
    Vector,
    embed_answer,
    embeddings_answer,
    read_inputs,
    read_prompt_tokens,
    read_vectors,
    takes_long,
)
from ollama_facade.translate.models import Model
from ollama_facade.translate.options import check_options
from ollama_facade.translate.requests import embed_request

T = TypeVar("T")

TOO_LONG = "the input length exceeds the context length"
CANNOT_CUT = "input exceeds maximum context length and cannot be truncated further"

_SAYS_TOO_LONG = re.compile(
    r"too (large|long)|context (length|size|window)|maximum context|max(imum)? input length"
    r"|exceeds? (the )?(context|max)",
    re.IGNORECASE,
)


class Embedding:
    """The operations that embed text."""

    def __init__(
        self, catalog: Catalog, backend: Backend, loaded: Loaded, clock: Clock, settings: Settings
    ) -> None:
        self._catalog = catalog
        self._backend = backend
        self._loaded = loaded
        self._clock = clock
        self._settings = settings

    async def embed(self, body: Mapping[str, Any], call: RequestContext) -> Json:
        """`POST /api/embed`: unit vectors in the order of the inputs."""
        name = body.get("model") or ""
        model, inputs = await self._model_and_inputs(body, name)
        check_options(body.get("options"))
        keep_alive = parse_keep_alive(body.get("keep_alive"))
        self._loaded.load(model, keep_alive)
        if not inputs:
            return Json(embed_answer(name, []))
        asked = self._clock.monotonic()
        dimensions = body.get("dimensions")
        try:
            answer = await self._ask(inputs, model, call, dimensions, body.get("options"))
        except BackendError as error:
            raise embedding_failure(error, truncate=body.get("truncate") is not False) from error
        finally:
            self._loaded.load(model, keep_alive)
        vectors = read_vectors(answer, len(inputs))
        call.prompt_tokens = read_prompt_tokens(answer)
        metrics = {
            "total_duration": max(self._clock.monotonic() - call.started, 1),
            "load_duration": max(asked - call.started, 1),
            "prompt_eval_count": call.prompt_tokens,
        }
        made = partial(embed_answer, name, vectors, dimensions, metrics)
        return Json(await computed(vectors, made))

    async def embeddings(self, body: Mapping[str, Any], call: RequestContext) -> Json:
        """`POST /api/embeddings`: one vector as the backend gives it; every failure is a 500."""
        name = body.get("model") or ""
        model = await installed(self._catalog, name, "embeddings", self._settings)
        check_options(body.get("options"))
        keep_alive = parse_keep_alive(body.get("keep_alive"))
        self._loaded.load(model, keep_alive)
        prompt = body.get("prompt")
        if not prompt:
            return Json(embeddings_answer(None))
        try:
            answer = await self._ask([prompt], model, call, None, body.get("options"))
            [vector] = read_vectors(answer, 1)
        except OllamaError as error:
            text = TOO_LONG if _SAYS_TOO_LONG.search(error.message) else error.message
            raise OllamaError(500, text) from error
        finally:
            self._loaded.load(model, keep_alive)
        return Json(embeddings_answer(vector))

    async def _model_and_inputs(
        self, body: Mapping[str, Any], name: str
    ) -> tuple[Model, list[str]]:
        """A missing or malformed name comes before a wrong `input`, an unknown model after it."""
        try:
            model = await installed(self._catalog, name, "embed", self._settings)
        except OllamaError as error:
            if error.status == 404 and name.strip():
                read_inputs(body.get("input"))
            raise
        return model, read_inputs(body.get("input"))

    async def _ask(
        self,
        inputs: Sequence[str],
        model: Model,
        call: RequestContext,
        dimensions: int | None,
        options: Any,
    ) -> Any:
        request = embed_request(inputs, model, self._backend.dialect, dimensions, options)
        try:
            return await self._backend.embeddings(prepared(request, call))
        finally:
            prepared(request, call)


async def computed(vectors: Sequence[Vector], make: Callable[[], T]) -> T:
    """What `make` makes of the vectors; beside the event loop where it would stand still for long.

    Without numpy 256 vectors of 1,024 numbers take 200 ms, in which no stream would go on.
    """
    return await asyncio.to_thread(make) if takes_long(vectors) else make()


def embedding_failure(error: BackendError, *, truncate: bool) -> OllamaError:
    """An input that is too long has Ollama's own texts (§7.2); everything else is the backend's.

    Ollama would cut the input by the model's tokens, which only the backend could do.
    """
    if not _SAYS_TOO_LONG.search(error.message):
        return error
    return BackendError(400, CANNOT_CUT if truncate else TOO_LONG, kind=error.kind)
