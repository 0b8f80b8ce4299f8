"""What Ollama refuses of OpenAI's requests, in its own words (management.md §4.1-4.3)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ollama_facade.errors import OllamaError
from ollama_facade.golang.base64 import corrupt_at
from ollama_facade.golang.encode import quote

_IMAGE_PREFIXES = (
    *(f"data:image/{kind};base64," for kind in ("jpeg", "jpg", "png", "webp")),
    "data:;base64,",
)

_LEVELS: Mapping[str, bool | str | None] = {
    "": None,
    "none": False,
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "max": "max",
    "xhigh": "max",
    "ultra": "max",
}
_EFFORTS = '"minimal", "low", "medium", "high", "xhigh", "ultra", "max", or "none"'


def check_messages(messages: Any) -> None:
    """Raises OllamaError(400) for no messages, and for a content that Ollama cannot take."""
    if not messages:
        raise OllamaError(400, "[] is too short - 'messages'")
    for message in (message or {} for message in messages):
        content, calls = message.get("content"), message.get("tool_calls")
        if isinstance(content, list):
            for part in content:
                _check_part(part)
        elif not isinstance(content, str) and calls is None:
            raise OllamaError(400, f"invalid message content type: {go_type(content)}")
        for call in calls or ():
            _check_arguments((call or {}).get("function") or {})


def read_effort(body: Mapping[str, Any]) -> tuple[str, bool | str | None]:
    """The effort as the client wrote it, and the `think` that it is; the object counts first.

    Raises OllamaError(400) for a word that is none.
    """
    reasoning = body.get("reasoning")
    effort = (reasoning or {}).get("effort") if reasoning else body.get("reasoning_effort")
    effort = effort or ""
    if effort not in _LEVELS:
        raise OllamaError(400, f"invalid reasoning value: {quote(effort)} (must be {_EFFORTS})")
    return effort, _LEVELS[effort]


def check_stop_texts(stop: Any) -> None:
    """For completions a list of `stop` has to be of texts. Raises OllamaError(400)."""
    for text in stop if isinstance(stop, list) else ():
        if not isinstance(text, str):
            raise OllamaError(400, f"invalid type for 'stop' field: {go_type(text)}")


def embedding_inputs(body: Mapping[str, Any]) -> list[str]:
    """The texts to embed; an empty text is one. Raises OllamaError(400) for none.

    (management.md §4.3)
    """
    encoding = body.get("encoding_format") or ""
    if encoding and encoding.lower() not in ("float", "base64"):
        values = "Supported values: ['float', 'base64']"
        raise OllamaError(400, f"Invalid value for 'encoding_format' = {encoding}. {values}.")
    value = body.get("input")
    if value is None or value == []:
        raise OllamaError(400, "invalid input")
    return [value] if isinstance(value, str) else value


def image_data(url: str) -> str:
    """The base64 of an image's data URL. Raises OllamaError(400) for every other address."""
    if url.startswith(("http://", "https://")):
        raise OllamaError(
            400, "image URLs are not currently supported, please use base64 encoded data instead"
        )
    data = next((url[len(p) :] for p in _IMAGE_PREFIXES if url.startswith(p)), None)
    if data is None or corrupt_at(data) is not None:
        raise OllamaError(400, "invalid image input")
    return data


def go_type(value: Any) -> str:
    """The Go type of a JSON value decoded into anything."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "float64"
    if isinstance(value, str):
        return "string"
    return "[]interface {}" if isinstance(value, list) else "map[string]interface {}"


def _check_part(part: Any) -> None:
    kind = part.get("type") if isinstance(part, Mapping) else None
    if kind == "text" and isinstance(part.get("text"), str):
        return
    if kind == "image_url":
        _check_image(part.get("image_url"))
        return
    if kind == "input_audio":
        _check_audio(part.get("input_audio"))
        return
    raise OllamaError(400, "invalid message format")


def _check_image(image: Any) -> None:
    url = image.get("url") if isinstance(image, Mapping) else image
    if not isinstance(url, str):
        raise OllamaError(400, "invalid message format")
    image_data(url)


def _check_audio(audio: Any) -> None:
    if not isinstance(audio, Mapping):
        raise OllamaError(400, "invalid input_audio format")
    data = audio.get("data")
    if not isinstance(data, str) or not data:
        raise OllamaError(400, "invalid input_audio format: missing data")
    fault = corrupt_at(data)
    if fault is not None:
        problem = f"illegal base64 data at input byte {fault}"
        raise OllamaError(400, f"invalid input_audio base64 data: {problem}")


def _check_arguments(function: Mapping[str, Any]) -> None:
    try:
        if isinstance(json.loads(function.get("arguments") or ""), dict):
            return
    except (ValueError, RecursionError):
        raise OllamaError(400, "invalid tool call arguments") from None
    raise OllamaError(400, "invalid tool call arguments")
