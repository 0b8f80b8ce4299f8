# ruff: noqa: ARG002 - every operation has the same form, whether or not it looks at the call
"""The operations that only look: what models there are, which are in use, what one is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ollama_facade import names
from ollama_facade.operations.context import Json, RequestContext
from ollama_facade.operations.resolve import installed
from ollama_facade.operations.services import Services
from ollama_facade.translate.apis.openai_renderer import model_value
from ollama_facade.translate.models import Model, ps_entry, tags_entry
from ollama_facade.translate.show import show_answer

COPILOT = "GitHubCopilotChat/"
"""How the user agent begins to which Ollama shows the requested name as `general.basename`."""


class Models:
    """`/api/tags`, `/api/ps`, `/api/show` and `/v1/models`."""

    def __init__(self, services: Services) -> None:
        self._catalog = services.catalog
        self._clock = services.clock
        self._settings = services.settings
        self._loaded = services.loaded

    async def list(self, context: RequestContext) -> Json:
        """`GET /api/tags` (management.md §3.1). Raises BackendError when nothing is known."""
        return Json({"models": [tags_entry(model) for model in await self._catalog.models()]})

    async def head_list(self, context: RequestContext) -> Json:
        """`HEAD /api/tags`: the same; the server sends no body (golden http/tags-head)."""
        return await self.list(context)

    async def ps(self, context: RequestContext) -> Json:
        """`GET /api/ps`: what this process was asked for within its keep-alive.

        (management.md §3.2)
        """
        entries = [
            ps_entry(entry.model, expires_at=entry.expires_at, context_length=entry.context_length)
            for entry in self._loaded.entries()
        ]
        return Json({"models": entries})

    async def show(self, body: Mapping[str, Any], context: RequestContext) -> Json:
        """`POST /api/show` (management.md §3.3). Raises OllamaError as `installed` does."""
        requested = body.get("model") or body.get("name") or ""
        model = await installed(self._catalog, requested, "show", self._settings)
        answer = show_answer(
            model,
            system=body.get("system") or "",
            options=body.get("options"),
            basename=requested if context.user_agent.startswith(COPILOT) else "",
        )
        return Json(answer)

    async def list_openai_models(self, context: RequestContext) -> Json:
        """`GET /v1/models`; `data` is null where there are no models (management.md §4.4)."""
        models = await self._catalog.models()
        entries = [model_value(model, model.name, _namespace(model)) for model in models]
        return Json({"object": "list", "data": entries or None})

    async def retrieve_openai_model(self, context: RequestContext) -> Json:
        """`GET /v1/models/{model}`; the id is the name as it was written (management.md §4.4)."""
        name = context.path["model"]
        model = await installed(self._catalog, name, "show", self._settings)
        return Json(model_value(model, name, _namespace(model)))


def _namespace(model: Model) -> str:
    """Who owns a model is the namespace of its name; an id that is no name tells by itself."""
    parsed = names.parse(model.name)
    return parsed.namespace if parsed else model.owned_by or "library"
