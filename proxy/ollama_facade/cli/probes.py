"""Probes what a backend can do with one short request for each ability.

The requests are those that the service would send, so that clients get the same results.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from ollama_facade.backend.client import Backend
from ollama_facade.errors import BackendError
from ollama_facade.translate.deltas import StreamDelta, each_delta
from ollama_facade.translate.dialects import Dialect
from ollama_facade.translate.embeddings import read_vectors
from ollama_facade.translate.requests import BackendRequest

MAX_TOKENS = 256
"""Tokens of an answer: enough for a model that thinks first."""

_RED_DOT = (
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEUlEQVR42mP4z8CAFTEMLQkAKP8/wc53yE8AAAAA"
    "SUVORK5CYII="
)
_WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}
_SCHEMA = {
    "type": "object",
    "properties": {"capital": {"type": "string"}},
    "required": ["capital"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Probe:
    """The result of one probe."""

    name: str
    answer: bool
    note: str = ""
    """What was observed."""


async def run_probes(backend: Backend, model: str) -> tuple[Probe, ...]:
    """Runs every probe with a model, in the order of `_PROBES`."""
    return tuple([await _run(name, probe(backend, model)) for name, probe in _PROBES.items()])


async def _run(name: str, probe: Awaitable[str]) -> Probe:
    """Runs a probe, which returns a note or raises with one."""
    try:
        note = await probe
    except (BackendError, CapabilityMissingError) as error:
        return Probe(name, answer=False, note=str(error)[:120])
    return Probe(name, answer=True, note=note)


class CapabilityMissingError(Exception):
    """The backend answered without the ability; the text says what is missing."""


def _chat(dialect: Dialect, model: str, text: Any, **parameters: Any) -> BackendRequest:
    messages = [{"role": "user", "content": text}]
    body = {"model": model, "messages": messages, "stream": False, dialect.max_tokens: MAX_TOKENS}
    return BackendRequest("chat", {**body, **parameters})


async def _complete(backend: Backend, request: BackendRequest, *about: str) -> StreamDelta:
    """The answer. Raises when a parameter that the probe is about was refused by name."""
    async with backend.open(request) as response:
        _, delta = await response.completion()
        missing = [name for name in about if name not in response.request.body]
    if missing:
        raise CapabilityMissingError(f"refuses {', '.join(missing)}")
    return delta


async def _chats(backend: Backend, model: str) -> str:
    answer = await _complete(backend, _chat(backend.dialect, model, "Say hello."))
    if not (answer.content or answer.thinking):
        raise CapabilityMissingError("the answer is empty")
    return "" if answer.usage else "tells no token counts"


async def _streams(backend: Backend, model: str) -> str:
    usage = {"stream_options": {"include_usage": True}} if backend.dialect.stream_options else {}
    request = _chat(backend.dialect, model, "Count from 1 to 10.", stream=True, **usage)
    pieces, counted = 0, False
    async with backend.open(request) as response, aclosing(response.deltas()) as batches:
        async for batch in batches:
            for delta in each_delta(batch):
                pieces += bool(delta.content or delta.thinking)
                counted = counted or delta.usage is not None
    if pieces < 2:
        raise CapabilityMissingError("the answer comes whole")
    return f"{pieces} pieces" if counted else f"{pieces} pieces, without token counts"


async def _calls_tools(backend: Backend, model: str) -> str:
    request = _chat(backend.dialect, model, "What is the weather in Paris?", tools=[_WEATHER])
    answer = await _complete(backend, request, "tools")
    if not answer.calls:
        raise CapabilityMissingError("takes tools; the model called none")
    return f"called {answer.calls[0].name}"


async def _takes_images(backend: Backend, model: str) -> str:
    url = f"data:image/png;base64,{_RED_DOT}"
    parts = [
        {"type": "text", "text": "Which colour is this?"},
        {"type": "image_url", "image_url": {"url": url}},
    ]
    await _complete(backend, _chat(backend.dialect, model, parts))
    return "takes them; whether the model looks is its own business"


async def _follows_schema(backend: Backend, model: str) -> str:
    schema = {"name": "schema", "strict": True, "schema": _SCHEMA}
    form = {"type": "json_schema", "json_schema": schema}
    request = _chat(backend.dialect, model, "The capital of France?", response_format=form)
    answer = await _complete(backend, request, "response_format")
    if not answer.content.lstrip().startswith("{"):
        raise CapabilityMissingError("the answer is no JSON")
    return ""


async def _thinks(backend: Backend, model: str) -> str:
    answer = await _complete(backend, _chat(backend.dialect, model, "What is 12 * 13?"))
    if not (answer.thinking or "<think>" in answer.content):
        raise CapabilityMissingError("no thoughts unasked")
    return "apart from the text" if answer.thinking else "in tags within the text"


async def _has_logprobs(backend: Backend, model: str) -> str:
    request = _chat(backend.dialect, model, "Hi", logprobs=True, top_logprobs=2)
    answer = await _complete(backend, request, "logprobs")
    if not answer.logprobs:
        raise CapabilityMissingError("none came")
    return ""


async def _completes(backend: Backend, model: str) -> str:
    arguments = {"model": model, "prompt": "One, two,", "max_tokens": 4, "stream": False}
    await _complete(backend, BackendRequest("completions", arguments))
    return "for raw and suffix"


async def _embeds(backend: Backend, model: str) -> str:
    arguments = {"model": model, "input": ["one", "two"], "encoding_format": "float"}
    async with backend.open(BackendRequest("embeddings", arguments)) as response:
        vectors = read_vectors(await response.value(), 2)
    return f"{len(vectors[0])} numbers"


_PROBES: Mapping[str, Callable[[Backend, str], Awaitable[str]]] = {
    "chat": _chats,
    "streams": _streams,
    "tools": _calls_tools,
    "images": _takes_images,
    "schema": _follows_schema,
    "thinking": _thinks,
    "logprobs": _has_logprobs,
    "text completions": _completes,
    "embeddings": _embeds,
}
