"""`POST /v1/messages`: Anthropic's dialect on every backend (management.md §4.7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proxy.operations.call import Call, Events, Json
from proxy.operations.translating import Translating
from proxy.translate.anthropic import chat_body, estimated_tokens
from proxy.translate.anthropic_answers import MessagesDress
from proxy.translate.passing import Passage
from proxy.translate.tools import left_out


class Messages:
    """Anthropic's one operation."""

    def __init__(self, translating: Translating) -> None:
        self._translating = translating

    async def create_message(self, body: Mapping[str, Any], call: Call) -> Json | Events:
        """Raises OllamaError, which is shown in Anthropic's envelope."""
        chat = chat_body(body)
        dress = MessagesDress(chat["model"], estimated_tokens(body))
        passage = Passage("messages", body, call.anthropic)
        return await self._translating.answer(
            chat, call, dress, passage, left_out=left_out(body), lenient=True
        )
