"""A model that needs no weights: what it says follows from what it is asked."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jsonschema import Draft202012Validator

PIECE = re.compile(r"\s?[^\W\d_]{1,5}|\s?\d{1,3}|\s|[^\w\s]|_", re.UNICODE)
DIMENSIONS = 16
MAX_WORDS = 80
"""How many tokens are said where no budget is given."""


def tokens(text: str) -> list[str]:
    """The text in pieces that add up to it."""
    found, end = [], 0
    for match in PIECE.finditer(text):
        if match.start() > end:
            found.append(text[end : match.start()])
        found.append(match[0])
        end = match.end()
    return found + ([text[end:]] if end < len(text) else [])


def number(token: str) -> int:
    """The place of a token in a vocabulary."""
    return int.from_bytes(hashlib.sha256(token.encode()).digest()[:2], "big")


@dataclass
class Said:
    """What the model says before a budget or a stop string cuts it."""

    content: list[str] = field(default_factory=list)
    thinking: list[str] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    reason: str = "stop"

    @property
    def count(self) -> int:
        return len(self.content) + len(self.thinking) + 8 * len(self.calls)


def instance(schema: Mapping[str, Any]) -> Any:
    """A value that fits a schema, as far as grammars for models go."""
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if schema.get("enum"):
        return schema["enum"][0]
    for key in ("anyOf", "oneOf", "allOf"):
        if schema.get(key):
            return instance(schema[key][0])
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object" or "properties" in schema:
        return {name: instance(inner) for name, inner in schema.get("properties", {}).items()}
    if kind == "array":
        return [instance(schema.get("items") or {})] * max(1, schema.get("minItems", 1))
    plain = {"integer": schema.get("minimum", 3), "number": 1.5, "boolean": True, "null": None}
    return plain.get(str(kind), "Paris")


def answer(
    prompt: str,
    *,
    format: Any = None,
    tools: Sequence[Mapping[str, Any]] = (),
    result: bool = False,
    thinks: bool = False,
) -> Said:
    """What is said to a prompt; `result`: the prompt ends with what a tool gave."""
    stated = Said()
    if thinks:
        stated.thinking = tokens("The user wants an answer, so let me think of one.")
    if tools and not result:
        for tool in tools[: 2 if "and" in prompt.split() else 1]:
            function = tool.get("function") or {}
            schema = function.get("parameters") or {}
            stated.calls.append({"name": function.get("name", ""), "arguments": instance(schema)})
        return stated
    if format == "json":
        stated.content = tokens('{"city": "Paris", "answer": 42}')
    elif isinstance(format, Mapping):
        Draft202012Validator.check_schema(format)
        stated.content = tokens(json.dumps(instance(format)))
    else:
        first = hashlib.sha256(prompt.encode()).digest()[0]
        stated.content = tokens(f"Yes: {', '.join(str(first + i) for i in range(MAX_WORDS))}.")
    return stated


def cut(stated: Said, budget: int, stops: Sequence[str]) -> Said:
    """What stop strings and the budget leave of it."""
    text = "".join(stated.content)
    places = [place for stop in stops if stop and (place := text.find(stop)) >= 0]
    content = tokens(text[: min(places)]) if places else list(stated.content)
    out = Said(content, list(stated.thinking), list(stated.calls), "stop")
    if budget >= 0 and out.count > budget:
        out.thinking = out.thinking[:budget]
        out.content = out.content[: max(0, budget - len(out.thinking))]
        out.calls, out.reason = [], "length"
    return out


def vector(text: str, dimensions: int = DIMENSIONS) -> list[float]:
    """A vector that belongs to the text, not of unit length."""
    digest = hashlib.sha512(text.encode()).digest()
    return [(digest[i] - 127.5) / 64 for i in range(dimensions)]


def unit(values: Sequence[float]) -> list[float]:
    """The same direction, of length 1."""
    length = math.sqrt(sum(value * value for value in values))
    return [round(value / length, 8) for value in values]
