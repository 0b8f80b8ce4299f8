# ruff: noqa: ARG002 - every operation has the same form, whether or not it looks at the call
"""The operations that only look: what models there are, which are in use, what one is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ollama_facade.catalog.registry import Catalog
from ollama_facade.clock import Clock
from ollama_facade.config.settings import Settings
from ollama_facade.operations.context import Json, RequestContext
from ollama_facade.operations.loaded import Loaded
from ollama_facade.operations.resolve import installed
from ollama_facade.translate.models import ps_entry, tags_entry
from ollama_facade.translate.show import show_answer

COPILOT = "GitHubCopilotChat/"
"""How the user agent begins to which Ollama shows the requested name as `general.basename`."""


class Models:
    """`/api/tags`, `/api/ps` and `/api/show`."""

    def __init__(self, catalog: Catalog, clock: Clock, settings: Settings, loaded: Loaded) -> None:
        self._catalog = catalog
        self._clock = clock
        self._settings = settings
        self._loaded = loaded

    async def list(self, call: RequestContext) -> Json:
        """`GET /api/tags` (management.md §3.1). Raises BackendError when nothing is known."""
        return Json({"models": [tags_entry(model) for model in await self._catalog.models()]})

    async def head_list(self, call: RequestContext) -> Json:
        """`HEAD /api/tags`: the same; the server sends no body (golden http/tags-head)."""
        return await self.list(call)

    async def ps(self, call: RequestContext) -> Json:
        """`GET /api/ps`: what this process was asked for within its keep-alive (§3.2)."""
        entries = [
            ps_entry(entry.model, expires_at=entry.expires_at, context_length=entry.context_length)
            for entry in self._loaded.entries()
        ]
        return Json({"models": entries})

    async def show(self, body: Mapping[str, Any], call: RequestContext) -> Json:
        """`POST /api/show` (§3.3). Raises OllamaError as `installed` does."""
        requested = body.get("model") or body.get("name") or ""
        model = await installed(self._catalog, requested, "show", self._settings)
        answer = show_answer(
            model,
            system=body.get("system") or "",
            options=body.get("options"),
            basename=requested if call.user_agent.startswith(COPILOT) else "",
        )
        return Json(answer)
