"""Finds the parameters that a backend refuses in the error that it answers with.

A strict server names what it does not take, each in its own words: OpenAI in `param`, pydantic
(vLLM, Mistral, Azure AI) in `loc`, the rest in a sentence. Only a parameter that was sent and may
be left out is refused; every other error is the client's.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, replace
from typing import Any

from ollama_facade.translate.dialects import ollama_name
from ollama_facade.translate.requests import BackendRequest

STATUSES = frozenset((400, 422))
"""The statuses with which parameters are refused."""

REQUIRED = frozenset(("model", "messages", "prompt", "input", "tools", "suffix", "stream"))
"""Parameters that the meaning of a response depends on: none is ever left out."""

LIMITS = ("max_tokens", "max_completion_tokens")
"""Two names of one thing: a backend that refuses one is sent the other."""

# Their values are this program's choice: any error about them is for it to fix.
_OWN_PARAMETERS = frozenset(
    ("reasoning_effort", "reasoning", "thinking", "chat_template_kwargs", "stream_options")
)
_PARAMETER_CODES = frozenset(("unsupported_parameter", "unknown_parameter"))
_VALUE_CODES = frozenset(("unsupported_value",))
_NESTED_KEYS = (
    "error",
    "message",
    "detail",
    "details",
    "msg",
    "errors",
    "fieldViolations",
    "description",
)
_MAX_TEXT_LENGTH = 16_384
_MAX_PARTS = 200

# A name alone or in quotes; with a dot and more, or a bracket, it would be a part of a message.
_NAME = r"[`'\"]?(?P<name>[A-Za-z_]\w*)[`'\"]?(?!\w|\[|\.\w)"
_PARAMETER_TEXTS = tuple(
    re.compile(pattern, re.IGNORECASE | re.MULTILINE)
    for pattern in (
        # OpenAI, Azure: Unsupported parameter: 'max_tokens' is not supported with this model.
        r"\b(?:unsupported|unknown|unrecognized) param(?:eter)?s?\b:? *" + _NAME,
        # Azure, older OpenAI: Unrecognized request argument supplied: stream_options
        r"\bunrecognized request arguments? supplied: *(?P<names>\w+(?:, *\w+)*)",
        # Gemini: Invalid JSON payload received. Unknown name "seed": Cannot find field.
        r'\bUnknown name \\?"(?P<name>\w+)\\?": Cannot find field',
        # Groq: property 'store' is unsupported, did you mean 'stop'?
        r"(?<!: )\bproperty '(?P<name>\w+)' is unsupported",
        # LiteLLM: anthropic does not support parameters: ['seed'], for model=…
        r"\bdoes not support param(?:eter)?s?:? *(?:[\[{](?P<names>[^\]}]*)[\]}]|" + _NAME + ")",
        # pydantic in a text: JSON, or what Python prints of the list (vLLM, Azure AI's Mistral)
        r"extra_forbidden\\?['\"], *\\?['\"]loc\\?['\"]: *[\[(] *(?:\\?['\"]body\\?['\"], *)?"
        r"\\?['\"](?P<name>\w+)",
        # pydantic's own text: two lines, the name and what is wrong with it
        r"^(?P<name>\w+)(?:\.[\w.]*)?\n\s+Extra inputs are not permitted",
        # Bedrock behind LiteLLM; Fireworks
        r"(?<![\w.])(?P<name>\w+): Extra inputs are not permitted",
        r"Extra inputs are not permitted, field: '(?P<name>\w+)",
        # serde, Go, jsonschema, zod, and functions of Python
        r"\bunknown field:? *" + _NAME,
        r"\badditional properties are not allowed \((?P<names>[^)]*?) (?:was|were) unexpected",
        r"\bunrecognized key(?:\(s\)|s)?(?: in object)?: *(?P<names>['\"\w, ]+)",
        r"\bunexpected keyword argument *" + _NAME,
        # vLLM and others: seed is not currently supported
        r"(?:^|[\"'`] ?|\bthe (?:parameter )?)" + _NAME + r" (?:parameter )?is not "
        r"(?:currently |yet )?supported\b(?! with values)",
        # vLLM for Gaudi: Please remove 'logprobs'/'top_logprobs' from your request
        r"\bremove (?P<names>'\w+'(?:(?:/|, *| and )'\w+')*) from your request",
    )
)
_VALUE_TEXTS = tuple(
    re.compile(pattern, re.IGNORECASE | re.MULTILINE)
    for pattern in (
        # OpenAI: Unsupported value: 'temperature' does not support 0.2 with this model.
        r"\bunsupported value: *" + _NAME,
        # Groq: reasoning_effort must be one of none or default
        r"(?<![\w.])[`'\"]?(?P<name>reasoning_effort)[`'\"]? must be one of\b",
        # OpenRouter: Reasoning is mandatory for this endpoint and cannot be disabled.
        r"(?P<name>\breasoning) is mandatory\b",
    )
)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_WORD = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A parameter that was sent and is refused."""

    parameter: str
    value: str = ""
    """JSON, where only this value is refused."""


def find_refusals(body: Any, request: BackendRequest) -> tuple[Refusal, ...]:
    """Returns what the error `body` (its JSON, its text, or None) refuses of `request`.

    Empty when it names nothing that was sent, or something that has to be sent.
    """
    sent = request.body
    only_values: dict[str, bool] = {}
    for name, only_value in _named(body):
        parameter = _CAMEL.sub("_", name).lower()
        if parameter in sent:
            only_values[parameter] = only_values.get(parameter, True) and only_value
    if not REQUIRED.isdisjoint(only_values):
        return ()
    return tuple(
        Refusal(parameter, _value_text(sent[parameter]) if only_value else "")
        for parameter, only_value in only_values.items()
        if not (only_value and parameter in LIMITS)
    )


def without(request: BackendRequest, refused: Set[Refusal]) -> BackendRequest:
    """Returns the request without what is refused; the same one when it holds nothing of that.

    A limit goes by its other name and vectors come as numbers, where that is not refused as well.
    What is left out is added to `dropped` under Ollama's name.
    """
    body: dict[str, Any] = {}
    left_out: list[str] = []
    for parameter, value in request.body.items():
        if (
            Refusal(parameter) not in refused
            and Refusal(parameter, _value_text(value)) not in refused
        ):
            body[parameter] = value
        elif parameter == "encoding_format":
            # Never left out, because the SDK would ask for base64 by itself.
            body[parameter] = "float"
        else:
            other = LIMITS[1 - LIMITS.index(parameter)] if parameter in LIMITS else ""
            if other and Refusal(other) not in refused:
                body[other] = value
            else:
                left_out.append(parameter)
    if "logprobs" in left_out and body.pop("top_logprobs", None) is not None:
        left_out.append("top_logprobs")
    if body == request.body:
        return request
    dropped = dict.fromkeys((*request.dropped, *map(ollama_name, left_out)))
    return replace(request, body=body, dropped=tuple(dropped))


def _value_text(value: Any) -> str:
    """Returns a value as JSON; `""` for a number, of which all are refused."""
    return "" if isinstance(value, int | float) else json.dumps(value, sort_keys=True)


def _named(body: Any) -> Iterator[tuple[str, bool]]:
    """Yields every name that a part of an error body refuses, and whether only its value."""
    parts: deque[Any] = deque([body])
    for _ in range(_MAX_PARTS):
        if not parts:
            return
        part = parts.popleft()
        if isinstance(part, str):
            yield from _in_text(part[:_MAX_TEXT_LENGTH])
        elif isinstance(part, list):
            parts.extend(part[:_MAX_PARTS])
        elif isinstance(part, Mapping):
            yield from _in_fields(part)
            parts.extend(part[key] for key in _NESTED_KEYS if key in part)


def _in_fields(error: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    """Reads OpenAI's `param` and pydantic's `loc`."""
    name = error.get("param")
    if isinstance(name, str) and (word := _WORD.match(name)):
        top = word.group()
        if error.get("code") in _PARAMETER_CODES:
            yield top, False
        elif error.get("code") in _VALUE_CODES or top in _OWN_PARAMETERS:
            yield top, True
    location = error.get("loc")
    if isinstance(location, list | tuple):
        path = [part for part in location if part != "body"]
        if path and isinstance(path[0], str):
            if error.get("type") == "extra_forbidden":
                yield path[0], False
            elif path[0] in _OWN_PARAMETERS:
                yield path[0], True


def _in_text(text: str) -> Iterator[tuple[str, bool]]:
    for patterns, only_value in ((_PARAMETER_TEXTS, False), (_VALUE_TEXTS, True)):
        for pattern in patterns:
            for match in pattern.finditer(text):
                for names in match.groupdict().values():
                    for name in _WORD.findall(names or ""):
                        yield name, only_value
