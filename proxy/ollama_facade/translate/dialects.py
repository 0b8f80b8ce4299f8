"""What each family of backends takes beyond, or short of, OpenAI's own parameters.

A row (`dialect_table.py`) says under which name an option of Ollama goes, how thinking is
switched, and what the routes can do.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ollama_facade.translate.dialect_row import Dialect
from ollama_facade.translate.dialect_table import ROWS

__all__ = ["DIALECTS", "Dialect", "asked_for", "dialect", "think_parameters"]

DIALECTS: Mapping[str, Dialect] = MappingProxyType({row.name: row for row in ROWS})

_ASKED_FOR: Mapping[str, str] = {
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


def dialect(name: str) -> Dialect:
    """The row of that name. Raises KeyError for a name that is not in `DIALECTS`."""
    return DIALECTS[name]


def asked_for(parameter: str) -> str:
    """Ollama's name of what a parameter of a request stands for; its own when it is the same."""
    return _ASKED_FOR.get(parameter, parameter)


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
        case "reasoning_switch":
            return {"reasoning_effort": level} if level else {"reasoning": {"enabled": on}}
        case "thinking":
            switch = {row.thinking: {"type": "enabled" if on else "disabled"}}
            return switch | ({"reasoning_effort": level} if level else {})
        case _:
            return {}
