"""What is known of one family of backends: the shape of a row of the table of dialects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

Thinking = Literal[
    "none", "chat_template_kwargs", "reasoning_effort", "thinking", "reasoning", "reasoning_switch"
]

OPENAI_OPTIONS = (
    "temperature",
    "top_p",
    "seed",
    "stop",
    "presence_penalty",
    "frequency_penalty",
)
"""Ollama's options that are parameters of OpenAI's, under the same names."""


def openai_options(*without: str, **extended: str) -> Mapping[str, str]:
    """OpenAI's own options but for `without`, and what a family takes beyond them."""
    own = {name: name for name in OPENAI_OPTIONS if name not in without}
    return MappingProxyType({**own, **extended})


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One family of backends.

    `parameters`: Ollama's option -> the parameter of the request; `num_predict` goes by
    `max_tokens`. `efforts`: Ollama's level -> the backend's, where they differ. `reasoning`: the
    field of a message that brings the thoughts, `""` when it is not known or there is none.
    `thoughts_back`: a message that
    calls tools has to bring the thoughts before the call. `tool_name`: a tool's result may carry
    `name`. `completions_format`: how `/v1/completions`
    takes a schema, `""` when it cannot. `base64`: vectors may be asked for as base64.
    `closes_streams`: the server closes a connection after a stream without saying so. `responses`,
    `messages`: there is `/v1/responses`, or Anthropic's `/v1/messages` at the same address; a
    version that lacks it is found out by its 404. Who is not known to have one is not asked there,
    because translating to a chat serves the client as well.
    """

    name: str
    source: str
    parameters: Mapping[str, str] = field(default_factory=openai_options)
    max_tokens: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    thinking: Thinking = "none"
    template_switches: tuple[str, ...] = ("enable_thinking",)
    efforts: Mapping[str, str] = field(default_factory=dict)
    reasoning: Literal["", "reasoning_content", "reasoning"] = ""
    stream_options: bool = True
    logprobs: bool = True
    json_object: bool = True
    json_schema: bool = True
    thoughts_back: bool = False
    tool_name: bool = False
    completions: bool = True
    completions_format: Literal["", "response_format", "json_schema"] = ""
    suffix: bool = True
    embeddings_dimensions: bool = False
    base64: bool = False
    closes_streams: bool = False
    responses: bool = False
    messages: bool = False
