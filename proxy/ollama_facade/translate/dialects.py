"""What a family of backends takes beyond, or short of, OpenAI's own parameters.

`Dialect` says under which name an option of Ollama is sent, how thinking is switched, and which
routes and fields there are. The families are in `dialect_table.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

Thinking = Literal[
    "none", "chat_template_kwargs", "reasoning_effort", "thinking", "reasoning", "reasoning_switch"
]

_OPENAI_OPTIONS = (
    "temperature",
    "top_p",
    "seed",
    "stop",
    "presence_penalty",
    "frequency_penalty",
)
"""Options of Ollama that are parameters of OpenAI under the same names."""

_OLLAMA_NAMES: Mapping[str, str] = {
    "max_tokens": "num_predict",
    "max_completion_tokens": "num_predict",
    "n_keep": "num_keep",
    "random_seed": "seed",
    "repetition_penalty": "repeat_penalty",
    "response_format": "format",
    "json_schema": "format",
    "chat_template_kwargs": "think",
    "reasoning_effort": "think",
    "reasoning": "think",
    "thinking": "think",
}


def openai_options(*without: str, **extended: str) -> Mapping[str, str]:
    """Returns OpenAI's own options except `without`, and what a family takes beyond them."""
    own = {name: name for name in _OPENAI_OPTIONS if name not in without}
    return MappingProxyType({**own, **extended})


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One family of backends."""

    name: str
    source: str
    """Where the facts were read."""
    parameters: Mapping[str, str] = field(default_factory=openai_options)
    """The request parameter of each option of Ollama, but for `num_predict` (`max_tokens`)."""
    max_tokens: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    thinking: Thinking = "none"
    """How thinking is switched (`think_parameters`)."""
    template_switches: tuple[str, ...] = ("enable_thinking",)
    """The variables of a chat template that switch thinking."""
    efforts: Mapping[str, str] = field(default_factory=dict)
    """The backend's level for each level of Ollama, where they differ."""
    reasoning: Literal["", "reasoning_content", "reasoning"] = ""
    """The field of a message that holds the thoughts; `""` when unknown or absent."""
    stream_options: bool = True
    logprobs: bool = True
    json_object: bool = True
    json_schema: bool = True
    thoughts_back: bool = False
    """A message that calls tools must hold the thoughts that led to the call."""
    tool_name: bool = False
    """The result of a tool may have a `name`."""
    completions: bool = True
    """There is `/v1/completions`."""
    completions_format: Literal["", "response_format", "json_schema"] = ""
    """How `/v1/completions` takes a schema; `""` when it cannot."""
    suffix: bool = True
    embeddings_dimensions: bool = False
    base64: bool = False
    """Vectors may be requested as base64."""
    closes_streams: bool = False
    """The server closes a connection after a stream without announcing it."""
    responses: bool = False
    """There is `/v1/responses`. A version without it answers 404; without this flag requests are
    translated to a chat, which serves the client as well."""
    messages: bool = False
    """There is Anthropic's `/v1/messages` at the same address; otherwise as `responses`."""


def ollama_name(parameter: str) -> str:
    """Returns Ollama's name of what a request parameter stands for, by default its own."""
    return _OLLAMA_NAMES.get(parameter, parameter)


def think_parameters(dialect: Dialect, think: bool | str) -> dict[str, Any]:
    """Returns the request parameters that switch thinking; `{}` where the backend has no switch.

    `think` is a bool or one of Ollama's levels; True is ``medium`` where only levels exist
    (inference.md §2.2).
    """
    level = dialect.efforts.get(think, think) if isinstance(think, str) else ""
    on = bool(think)
    match dialect.thinking:
        case "chat_template_kwargs":
            switches: dict[str, Any] = dict.fromkeys(dialect.template_switches, on)
            return {dialect.thinking: switches | ({"reasoning_effort": level} if level else {})}
        case "reasoning_effort":
            return {dialect.thinking: (level or "medium") if on else "none"}
        case "reasoning":
            if level:
                return {dialect.thinking: {"effort": level}}
            return {dialect.thinking: {"enabled": True} if on else {"effort": "none"}}
        case "reasoning_switch":
            return {"reasoning_effort": level} if level else {"reasoning": {"enabled": on}}
        case "thinking":
            switch = {dialect.thinking: {"type": "enabled" if on else "disabled"}}
            return switch | ({"reasoning_effort": level} if level else {})
        case _:
            return {}
