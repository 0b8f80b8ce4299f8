"""Speech to text at the backend: a form of its own, asked once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx2
import openai

from ollama_facade.backend import errors
from ollama_facade.backend.stream import parsed
from ollama_facade.errors import OllamaError
from ollama_facade.translate.missing import is_missing_route


async def transcription(
    client: openai.AsyncOpenAI, form: Mapping[str, Any], headers: Mapping[str, Any], seconds: float
) -> Any:
    """The parsed answer to a form with `model`, `file` (name and bytes) and perhaps more.

    `seconds` are for everything. Raises OllamaError where it has no such
    endpoint, BackendError for everything else.
    """
    create = client.audio.transcriptions.with_streaming_response.create
    try:
        async with (
            asyncio.timeout(seconds),
            create(**form, response_format="json", extra_headers=headers) as response,
        ):
            return parsed(await response.http_response.aread())
    except TimeoutError as error:
        raise errors.timeout() from error
    except openai.APIStatusError as error:
        if is_missing_route(error.status_code, error.body, "transcriptions", str(form["model"])):
            raise OllamaError(501, "the backend has no transcription of speech") from error
        raise errors.from_exception(error, str(form["model"])) from error
    except (openai.OpenAIError, httpx2.HTTPError, OSError) as error:
        raise errors.from_exception(error, str(form["model"])) from error
