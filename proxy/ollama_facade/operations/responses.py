"""`POST /v1/responses`: OpenAI's second dialect on every backend (management.md §4.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ollama_facade.clock import SECOND, Clock
from ollama_facade.operations.context import Json, RequestContext, SseStream
from ollama_facade.operations.translating import Translating
from ollama_facade.translate.apis.pass_through import Passage
from ollama_facade.translate.apis.responses_parser import chat_body
from ollama_facade.translate.apis.responses_renderer import ResponsesRenderer
from ollama_facade.translate.tools import left_out


class Responses:
    """One operation; nothing is stored, so there is nothing to get or delete."""

    def __init__(self, translating: Translating, clock: Clock) -> None:
        self._translating = translating
        self._clock = clock

    async def create_response(
        self, body: Mapping[str, Any], call: RequestContext
    ) -> Json | SseStream:
        """Raises OllamaError, which is shown in OpenAI's envelope."""
        chat = chat_body(body)
        dress = ResponsesRenderer(body, self._clock.wall() // SECOND)
        passage = Passage("responses", body)
        return await self._translating.answer(chat, call, dress, passage, left_out=left_out(body))
