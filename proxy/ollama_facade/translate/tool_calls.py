"""Assembles tool calls from the parts that a backend streams (faults.md rows 65-67).

A part belongs to the call with its id, else to the call with its index, else to the latest. A part
begins a new call when it has another id for an index, or a name for a call that is complete.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson

from ollama_facade.errors import BackendError
from ollama_facade.golang.encode import quote
from ollama_facade.translate.deltas import ToolCall, ToolCallDelta

_ID_ALPHABET = string.ascii_lowercase + string.digits


@dataclass(slots=True)
class _Call:
    index: int | None
    id: str
    name: str
    arguments: str


class ToolCalls:
    """Assembles the parts of one answer."""

    def __init__(self) -> None:
        self._calls: list[_Call] = []

    def __bool__(self) -> bool:
        return bool(self._calls)

    def feed(self, part: ToolCallDelta) -> None:
        """Adds one part to the call that it belongs to."""
        call = self._find(part)
        if call is None:
            self._calls.append(_Call(part.index, part.id, part.name, part.arguments))
            return
        call.id = call.id or part.id
        if call.index is None:
            call.index = part.index
        if part.name and part.name != call.name:
            call.name += part.name
        call.arguments += part.arguments

    def finish(self) -> list[ToolCall]:
        """Returns the calls in the order of their first parts. Raises BackendError."""
        return [
            ToolCall(position, call.id or make_id(), _name(call), _object(call))
            for position, call in enumerate(self._calls)
        ]

    def _find(self, part: ToolCallDelta) -> _Call | None:
        if part.id:
            for call in self._calls:
                if call.id == part.id:
                    return call
        candidate = self._at(part.index)
        if candidate is None or (part.id and candidate.id):
            return None
        if part.name and candidate.name and _is_complete(candidate.arguments):
            return None
        return candidate

    def _at(self, index: int | None) -> _Call | None:
        if index is not None:
            for call in reversed(self._calls):
                if call.index == index:
                    return call
            latest = self._calls[-1] if self._calls else None
            return latest if latest is not None and latest.index is None else None
        return self._calls[-1] if self._calls else None


def make_id() -> str:
    """Makes an id as Ollama does: ``call_`` and eight of ``[a-z0-9]`` (inference.md §11.4)."""
    return "call_" + "".join(secrets.choice(_ID_ALPHABET) for _ in range(8))


def _name(call: _Call) -> str:
    if not call.name:
        raise BackendError(502, "backend returned a tool call without a name", kind="tool_call")
    return call.name


def _is_complete(arguments: str) -> bool:
    """Tests for the text of an object, which no part of the same call can follow."""
    if not arguments.strip():
        return False
    try:
        return isinstance(orjson.loads(arguments), dict)
    except orjson.JSONDecodeError:
        return False


def _object(call: _Call) -> Mapping[str, Any]:
    """Parses the arguments; empty text and null are no arguments. Raises BackendError."""
    text = call.arguments.strip()
    if not text:
        return {}
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        value = text
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BackendError(
            502,
            f"backend returned invalid tool call arguments for {quote(call.name)}",
            kind="tool_call",
        )
    return {key: as_go(item) for key, item in value.items()}


def as_go(value: Any) -> Any:
    """Converts a value as Go does that decodes it into an empty interface and encodes it.

    Numbers are float64 (``3.0`` becomes ``3``), keys of nested objects are sorted; only the top
    level preserves the model's order (golden chat/native-tool-call-key-order).
    """
    if isinstance(value, dict):
        return {key: as_go(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [as_go(item) for item in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return int(Decimal(repr(value)))
    if type(value) is int and abs(value) > 2**53:
        return int(Decimal(repr(float(value))))
    return value
