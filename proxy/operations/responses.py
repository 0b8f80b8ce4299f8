"""`POST /v1/responses`: OpenAI's second dialect on every backend (management.md §4.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proxy.clock import SECOND, Clock
from proxy.operations.call import Call, Events, Json
from proxy.operations.translating import Translating
from proxy.translate.passing import Passage
from proxy.translate.responses import chat_body
from proxy.translate.responses_answers import ResponsesDress
from proxy.translate.tools import left_out


class Responses:
    """One operation; nothing is stored, so there is nothing to get or delete."""

    def __init__(self, translating: Translating, clock: Clock) -> None:
        self._translating = translating
        self._clock = clock

    async def create_response(self, body: Mapping[str, Any], call: Call) -> Json | Events:
        """Raises OllamaError, which is shown in OpenAI's envelope."""
        chat = chat_body(body)
        dress = ResponsesDress(body, self._clock.wall() // SECOND)
        passage = Passage("responses", body)
        return await self._translating.answer(chat, call, dress, passage, left_out=left_out(body))
