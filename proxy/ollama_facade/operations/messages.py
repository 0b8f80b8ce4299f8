"""`POST /v1/messages`: Anthropic's dialect on every backend (management.md §4.7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ollama_facade.operations.context import Json, RequestContext, SseStream
from ollama_facade.operations.translating import Translating
from ollama_facade.translate.apis.anthropic_parser import chat_body, estimated_tokens
from ollama_facade.translate.apis.anthropic_renderer import MessagesRenderer
from ollama_facade.translate.apis.pass_through import Passage
from ollama_facade.translate.tools import left_out


class Messages:
    """Anthropic's one operation."""

    def __init__(self, translating: Translating) -> None:
        self._translating = translating

    async def create_message(
        self, body: Mapping[str, Any], call: RequestContext
    ) -> Json | SseStream:
        """Raises OllamaError, which is shown in Anthropic's envelope."""
        chat = chat_body(body)
        dress = MessagesRenderer(chat["model"], estimated_tokens(body))
        passage = Passage("messages", body, call.anthropic)
        return await self._translating.answer(
            chat, call, dress, passage, left_out=left_out(body), lenient=True
        )
