# ruff: noqa: ARG002 - every operation has the same form, whether or not it looks at the call
"""The operations that are about the server itself, and about the account that it does not have.

There is no way from here to Ollama's cloud, no key and no account; each answer is the one that
Ollama gives when it cannot reach them (golden area cloud).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ollama_facade.errors import OllamaError
from ollama_facade.operations.context import Json, RequestContext, Text
from ollama_facade.operations.resolve import cloud_disabled
from ollama_facade.operations.services import Services


class Host:
    """`/`, `/api/version`, `/api/status`, the account and the web routes."""

    def __init__(self, services: Services) -> None:
        self._catalog = services.catalog
        self._clock = services.clock
        self._settings = services.settings
        self._loaded = services.loaded

    async def root(self, context: RequestContext) -> Text:
        """`GET /` (management.md §1.1)."""
        return Text("Ollama is running")

    async def head_root(self, context: RequestContext) -> Text:
        """`HEAD /`, the heartbeat of the command; the server sends no body."""
        return await self.root(context)

    async def version(self, context: RequestContext) -> Json:
        """`GET /api/version`: the version of Ollama that this behaves like."""
        return Json({"version": self._settings.version})

    async def head_version(self, context: RequestContext) -> Json:
        """`HEAD /api/version`; the server sends no body."""
        return await self.version(context)

    async def status(self, context: RequestContext) -> Json:
        """`GET /api/status` (management.md §3.4): whether the operator switched the cloud off."""
        disabled = self._settings.no_cloud
        return Json({"cloud": {"disabled": disabled, "source": "env" if disabled else "none"}})

    async def me(self, context: RequestContext) -> Json:
        """`POST /api/me`. Always raises OllamaError (golden cloud/disabled-me).

        (management.md §3.5)
        """
        raise OllamaError(503, "account unavailable")

    async def signout(self, context: RequestContext) -> Json:
        """`POST /api/signout`. Always raises OllamaError (golden cloud/signout-offline).

        (management.md §3.6)
        """
        raise OllamaError(500, "there was an error signing out")

    async def delete_key(self, context: RequestContext) -> Json:
        """`DELETE /api/user/keys/{key}`: another word for signout; the key is not looked at."""
        return await self.signout(context)

    async def web_search(self, body: Mapping[str, Any], context: RequestContext) -> Json:
        """`POST /api/experimental/web_search` (management.md §3.14). Always raises OllamaError."""
        raise self._no_web("web search is unavailable")

    async def web_fetch(self, body: Mapping[str, Any], context: RequestContext) -> Json:
        """`POST /api/experimental/web_fetch` (management.md §3.14). Always raises OllamaError."""
        raise self._no_web("web fetch is unavailable")

    async def model_recommendations(self, context: RequestContext) -> Json:
        """`GET /api/experimental/model-recommendations` (management.md §3.15): none.

        Ollama's own list is of its cloud and its registry, neither of which is reached from here.
        """
        return Json({"recommendations": []})

    def _no_web(self, operation: str) -> OllamaError:
        """401 is what a server without a signing key answers; there is no URL to sign in.

        (management.md §2.2)
        """
        if self._settings.no_cloud:
            return cloud_disabled(operation)
        return OllamaError(401, "unauthorized")
