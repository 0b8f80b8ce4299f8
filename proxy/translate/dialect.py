"""What each family of backends takes beyond, or short of, OpenAI's own parameters: a table.

A row says under which name an option of Ollama goes, how thinking is switched, and what the routes
can do. Whatever a row does not name is not sent. `source` says where the row was read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

Thinking = Literal["none", "chat_template_kwargs", "reasoning_effort", "thinking", "reasoning"]

_OPENAI_OPTIONS = {
    name: name
    for name in (
        "temperature",
        "top_p",
        "seed",
        "stop",
        "presence_penalty",
        "frequency_penalty",
    )
}


def _with(**extended: str) -> Mapping[str, str]:
    return MappingProxyType({**_OPENAI_OPTIONS, **extended})


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One family of backends.

    `parameters`: Ollama's option -> the parameter of the request; `num_predict` goes by
    `max_tokens`. `efforts`: Ollama's level -> the backend's, where they differ.
    `tool_name`: a tool's result may carry `name`. `completions_format`: how `/v1/completions`
    takes a schema, `""` when it cannot. `base64`: vectors may be asked for as base64.
    `closes_streams`: the server closes a connection after a stream without saying so.
    """

    name: str
    source: str
    parameters: Mapping[str, str] = field(default_factory=_with)
    max_tokens: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    thinking: Thinking = "none"
    template_switches: tuple[str, ...] = ("enable_thinking",)
    efforts: Mapping[str, str] = field(default_factory=dict)
    stream_options: bool = True
    logprobs: bool = True
    json_object: bool = True
    json_schema: bool = True
    tool_name: bool = False
    completions: bool = True
    completions_format: Literal["", "response_format", "json_schema"] = ""
    suffix: bool = True
    embeddings_dimensions: bool = False
    base64: bool = False
    closes_streams: bool = False
    responses: bool = False
    messages: bool = False


_ROWS = (
    Dialect(
        name="default",
        source="OpenAI's specification, its oldest names; nothing that a strict server refuses",
    ),
    Dialect(
        name="openai",
        source="platform.openai.com/docs/api-reference/chat/create, .../completions/create",
        max_tokens="max_completion_tokens",
        thinking="reasoning_effort",
        efforts={"max": "high"},
        embeddings_dimensions=True,
        base64=True,
        responses=True,
    ),
    Dialect(
        name="llamacpp",
        source="ggml-org/llama.cpp tools/server: server-task.cpp params_from_json_cmpl, "
        "server-common.cpp oaicompat_chat_params_parse (`suffix` is an unsupported parameter)",
        parameters=_with(
            top_k="top_k",
            min_p="min_p",
            typical_p="typical_p",
            repeat_penalty="repeat_penalty",
            repeat_last_n="repeat_last_n",
            num_keep="n_keep",
        ),
        thinking="chat_template_kwargs",
        tool_name=True,
        completions_format="json_schema",
        suffix=False,
        base64=True,
        closes_streams=True,
        responses=True,
        messages=True,
    ),
    Dialect(
        name="vllm",
        source="vllm-project/vllm vllm/entrypoints/openai/chat_completion/protocol.py; "
        "docs.vllm.ai/en/latest/serving/openai_compatible_server (no suffix)",
        parameters=_with(top_k="top_k", min_p="min_p", repeat_penalty="repetition_penalty"),
        thinking="chat_template_kwargs",
        # Qwen's templates read the first, DeepSeek's and Granite's the second.
        template_switches=("enable_thinking", "thinking"),
        tool_name=True,
        completions_format="response_format",
        suffix=False,
        base64=True,
        responses=True,
        messages=True,
    ),
    Dialect(
        name="ollama",
        source="docs.ollama.com/api/openai-compatibility; ollama/ollama openai/openai.go",
        thinking="reasoning_effort",
        tool_name=True,
        embeddings_dimensions=True,
        base64=True,
        responses=True,
        messages=True,
    ),
    Dialect(
        name="openrouter",
        source="openrouter.ai/docs/api_reference/parameters, "
        "openrouter.ai/docs/guides/best-practices/reasoning-tokens",
        parameters=_with(top_k="top_k", min_p="min_p", repeat_penalty="repetition_penalty"),
        thinking="reasoning",
        efforts={"max": "xhigh"},
        suffix=False,
        responses=True,
        messages=True,
    ),
    Dialect(
        name="deepseek",
        source="api-docs.deepseek.com/api/create-chat-completion (no seed, json_object only), "
        ".../guides/thinking_mode, .../guides/fim_completion",
        parameters=MappingProxyType(
            {name: name for name in _OPENAI_OPTIONS if name != "seed"},
        ),
        thinking="thinking",
        json_schema=False,
    ),
)

DIALECTS: Mapping[str, Dialect] = MappingProxyType({row.name: row for row in _ROWS})


def dialect(name: str) -> Dialect:
    """The row of that name. Raises KeyError for a name that is not in `DIALECTS`."""
    return DIALECTS[name]


def think_parameters(row: Dialect, think: bool | str) -> dict[str, Any]:
    """The request parameters that switch thinking; `{}` where the backend has no such switch.

    `think` is a bool or one of Ollama's levels; a bare True is ``medium`` where only levels exist
    (inference.md §2.2).
    """
    level = row.efforts.get(think, think) if isinstance(think, str) else ""
    on = bool(think)
    match row.thinking:
        case "chat_template_kwargs":
            switches: dict[str, Any] = dict.fromkeys(row.template_switches, on)
            return {row.thinking: switches | ({"reasoning_effort": level} if level else {})}
        case "reasoning_effort":
            return {row.thinking: (level or "medium") if on else "none"}
        case "reasoning":
            if level:
                return {row.thinking: {"effort": level}}
            return {row.thinking: {"enabled": True} if on else {"effort": "none"}}
        case "thinking":
            switch = {row.thinking: {"type": "enabled" if on else "disabled"}}
            return switch | ({"reasoning_effort": level} if level else {})
        case _:
            return {}
