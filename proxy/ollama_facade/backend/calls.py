"""One request as one call of the SDK: its method, its headers, and whose key they hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import openai
from openai import AsyncOpenAI

from ollama_facade.backend import errors
from ollama_facade.backend.exchange import BackendResponse
from ollama_facade.backend.posting import Posting
from ollama_facade.config.settings import Settings
from ollama_facade.translate.requests import BackendRequest

_NAMED: Mapping[str, Mapping[str, str]] = {
    # Anthropic's own clients always name the version, so a server may insist on one.
    "messages": {"anthropic-version": "2023-06-01"},
}

_NO_KEY = openai.Omit()


class Calls:
    """Calls of one client."""

    def __init__(self, settings: Settings, client: AsyncOpenAI) -> None:
        self._settings = settings
        self._posting = Posting(client)
        key = settings.api_key.get_secret_value()
        self.own = self._authorized(f"Bearer {key}" if key else "", own=True)

    def headers(self, authorization: str) -> dict[str, Any]:
        """Those with our key or, where the operator wants it so, with the client's or none."""
        return self._authorized(authorization) if self._settings.forward_key else self.own

    async def sent(self, request: BackendRequest, *, closing: bool) -> BackendResponse:
        """The answer, its body unread; a request that never left is sent once more.

        `closing`: the connection is of no use after the answer. Raises what the SDK raises.
        """
        headers = self.headers(request.authorization)
        if closing or request.headers or request.endpoint in _NAMED:
            headers = {**_NAMED.get(request.endpoint, {}), **request.headers, **headers}
            if closing:
                headers["Connection"] = "close"
        asked = request.endpoint, request.body, headers, request.request_id
        try:
            return await self._posting.send(*asked)
        except openai.APIConnectionError as error:
            if not errors.is_unsent(error):
                raise
        return await self._posting.send(*asked)

    def _authorized(self, authorization: str, *, own: bool = False) -> dict[str, Any]:
        # The SDK refuses to ask without a key unless each request says that there is none. A key
        # among the operator's own headers is one.
        names = {name.lower() for name, _ in self._settings.backend_headers}
        if own and not authorization and "authorization" in names:
            return {}
        return {"Authorization": authorization or _NO_KEY}
