"""An OpenAI body as the request to the backend: what OpenAI documents goes on, nothing else does.

(design.md §2 rule 8; management.md §4.1, §4.2)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ollama_facade.errors import OllamaError
from ollama_facade.translate.apis.ollama_chat import check_top_logprobs
from ollama_facade.translate.apis.openai_checks import check_messages, check_stop_texts, read_effort
from ollama_facade.translate.dialects import Dialect, think_parameters
from ollama_facade.translate.generation import GenerationRequest
from ollama_facade.translate.models import Model
from ollama_facade.translate.options import merge_options, option_parameters, token_limit
from ollama_facade.translate.requests import BackendRequest, RequestBuilder

_COMMON = (
    "frequency_penalty",
    "presence_penalty",
    "logit_bias",
    "n",
    "seed",
    "stop",
    "temperature",
    "top_p",
    "user",
)
CHAT_PARAMETERS = frozenset(
    (
        *_COMMON,
        "audio",
        "function_call",
        "functions",
        "logprobs",
        "metadata",
        "modalities",
        "parallel_tool_calls",
        "prediction",
        "prompt_cache_key",
        "response_format",
        "safety_identifier",
        "service_tier",
        "store",
        "tool_choice",
        "tools",
        "top_logprobs",
        "verbosity",
        "web_search_options",
    )
)
"""OpenAI's own, read at platform.openai.com/docs/api-reference/chat/create."""

COMPLETION_PARAMETERS = frozenset((*_COMMON, "best_of", "echo", "logprobs", "suffix"))
"""OpenAI's own, read at platform.openai.com/docs/api-reference/completions/create."""

_HANDLED = frozenset(
    (
        "model",
        "messages",
        "prompt",
        "stream",
        "stream_options",
        "max_tokens",
        "max_completion_tokens",
        "reasoning",
        "reasoning_effort",
    )
)
_MAX_NAME_LENGTH = 64
_DEFAULTS = ("temperature", "top_p")


def parse_chat(body: Mapping[str, Any]) -> GenerationRequest:
    """The generation that a `ChatCompletionRequest` asks for. Raises OllamaError(400)."""
    check_messages(body.get("messages"))
    _, think = read_effort(body)
    check_top_logprobs(body)
    return GenerationRequest(
        model=body.get("model") or "",
        operation="chat",
        build=lambda model, dialect, think: chat_completion_request(body, model, dialect, think),
        stream=bool(body.get("stream")),
        think=think,
        capability="tools" if body.get("tools") else "",
    )


def parse_completion(body: Mapping[str, Any]) -> GenerationRequest:
    """The generation that a `CompletionRequest` asks for. Raises OllamaError(400)."""
    check_stop_texts(body.get("stop"))
    return GenerationRequest(
        model=body.get("model") or "",
        operation="generate",
        build=lambda model, dialect, _think: completion_request(body, model, dialect),
        stream=bool(body.get("stream")),
        has_input=bool(body.get("prompt")),
        capability="insert" if body.get("suffix") else "",
    )


def chat_completion_request(
    body: Mapping[str, Any], model: Model, dialect: Dialect, think: bool | str | None
) -> BackendRequest:
    """The request of a `ChatCompletionRequest`; `think` is what is in force after the checks."""
    sent = (
        *(dict(message) for message in model.messages),
        *(_message(message) for message in body["messages"]),
    )
    messages = [_with_thoughts(message, dialect) for message in sent]
    first = body["messages"][0].get("role") or ""
    if model.system and first.lower() not in ("system", "developer"):
        messages.insert(0, {"role": "system", "content": model.system})
    request = RequestBuilder("chat", model, messages=messages)
    _add(request, body, model, dialect, CHAT_PARAMETERS)
    _add_effort(request, body, dialect, think)
    return request.build()


def _with_thoughts(message: Mapping[str, Any], dialect: Dialect) -> dict[str, Any]:
    """A message; where the backend insists on the thoughts before a call, under its name for them.

    Answers here call them `reasoning`, and OpenAI's own clients do not send them back at all.
    """
    copy = dict(message)
    if dialect.thoughts_back and copy.get("tool_calls"):
        thoughts = copy.pop("reasoning", None)
        copy[dialect.reasoning] = copy.get(dialect.reasoning) or thoughts or ""
    return copy


def completion_request(body: Mapping[str, Any], model: Model, dialect: Dialect) -> BackendRequest:
    """The request of a `CompletionRequest`: the prompt as it is, so no system text goes with it.

    Raises OllamaError(400) for a backend without text completions.
    """
    if not dialect.completions:
        raise OllamaError(400, "the backend has no text completions")
    request = RequestBuilder("completions", model, prompt=body["prompt"])
    _add(request, body, model, dialect, COMPLETION_PARAMETERS)
    if model.system:
        request.drop("system")
    return request.build()


def _message(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message as it came, without what is null: only a content beside calls may be.

    (management.md §4.1)
    """
    reduced = {key: value for key, value in message.items() if value is not None}
    reduced.setdefault("role", "")
    if not reduced.get("tool_calls"):
        reduced.pop("tool_calls", None)
        reduced.setdefault("content", "")
    return reduced


def _add(
    request: RequestBuilder,
    body: Mapping[str, Any],
    model: Model,
    dialect: Dialect,
    documented: frozenset[str],
) -> None:
    """The parameters of the presets, over them Ollama's defaults, over them what the body says."""
    preset = merge_options(model.parameters, None)
    values = {name: value for name, value in preset.items() if name not in _DEFAULTS}
    parameters, dropped = option_parameters(values, dialect)
    request.add(parameters)
    request.drop(*dropped)
    if dialect.name != "openai":
        # 1 is OpenAI's own default, and its reasoning models refuse to be message_ it.
        request.add(dict.fromkeys(_DEFAULTS, 1.0))
    for name, value in body.items():
        if value is None or name in _HANDLED:
            continue
        if name in documented:
            request.add({name: value})
        elif name.isidentifier() and name.isascii() and len(name) <= _MAX_NAME_LENGTH:
            request.drop(name)
    limit = body.get("max_completion_tokens")
    if limit is None:
        limit = body.get("max_tokens")
    if limit is None:
        limit = token_limit(preset, model.context_length)
    if limit is not None:
        request.add({dialect.max_tokens if request.endpoint == "chat" else "max_tokens": limit})
    stream = bool(body.get("stream"))
    request.add({"stream": stream})
    if stream and (body.get("stream_options") or {}).get("include_usage"):
        if dialect.stream_options:
            request.add({"stream_options": {"include_usage": True}})
        else:
            request.drop("stream_options")


def _add_effort(
    request: RequestBuilder, body: Mapping[str, Any], dialect: Dialect, think: bool | str | None
) -> None:
    """OpenAI's word to those that have OpenAI's words or whom nobody knows; else their switch."""
    effort, _ = read_effort(body)
    if think is None or (think is False and not effort):
        return
    if effort and dialect.thinking in ("none", "reasoning_effort"):
        request.add({"reasoning_effort": effort if think else "none"})
        return
    switches = think_parameters(dialect, think)
    request.add(switches)
    if effort and not switches:
        request.drop("reasoning_effort")
