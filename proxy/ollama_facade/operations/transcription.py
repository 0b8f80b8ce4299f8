"""`/v1/audio/transcriptions` (management.md §4.6): a form in, the backend's text out."""

from __future__ import annotations

from collections.abc import Mapping

from ollama_facade import names
from ollama_facade.errors import BackendError, OllamaError
from ollama_facade.operations.context import Json, RequestContext, Text
from ollama_facade.operations.resolve import installed
from ollama_facade.operations.services import Services
from ollama_facade.translate.forms import read_form

_PASSED = ("language", "prompt")


class Transcription:
    """Turns speech into text where the backend does."""

    def __init__(self, services: Services) -> None:
        self._catalog = services.catalog
        self._backend = services.backend
        self._settings = services.settings

    async def create_transcription(self, context: RequestContext) -> Json | Text:
        """`POST /v1/audio/transcriptions`. The checks are in Ollama's order."""
        form = read_form(context.content_type, context.content)
        name = form["model"].text if "model" in form else ""
        if not names.trim(name):
            raise OllamaError(400, "model is required")
        file = form.get("file")
        if file is None or file.filename is None:
            raise OllamaError(400, "file is required: http: no such file")
        if not file.content:
            raise OllamaError(400, "audio file is empty")
        model = await installed(self._catalog, name, "chat", self._settings)
        fields = {key: form[key].text for key in _PASSED if key in form and form[key].content}
        audio = (file.filename or "audio", file.content)
        answer = await self._backend.transcription(
            {"model": model.backend_id, "file": audio, **fields}, context.authorization
        )
        text = answer.get("text") if isinstance(answer, Mapping) else None
        if not isinstance(text, str):
            raise BackendError(502, "backend gave no transcription", kind="unreadable")
        if "response_format" in form and form["response_format"].text.lower() == "text":
            return Text(text.strip())
        return Json({"text": text.strip()})
