"""Ollama's `options`: which there are, what type each has, and under which name it goes out (§9).

The table is the contract's schema `Options`: `x-ollama-type` is the type, `x-backend` says what
becomes of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from ollama_facade import contract
from ollama_facade.errors import OllamaError
from ollama_facade.translate.dialects import Dialect
from ollama_facade.translate.models import Model

CONTEXTS_WITHOUT_LIMIT = 10
"""Ollama's bound where there is no limit, in contexts (inference.md §10.2)."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its Go type, and `load` in `group` when it is settled as the backend starts."""

    type: str
    group: str


@cache
def table() -> Mapping[str, Option]:
    """Every option that Ollama knows, in the contract's order."""
    properties = contract.document()["components"]["schemas"]["Options"]["properties"]
    return {
        name: Option(entry["x-ollama-type"], entry["x-backend"]["group"])
        for name, entry in properties.items()
    }


def check_options(options: Mapping[str, Any] | None) -> None:
    """Raises OllamaError(500) for the first option whose value is of the wrong type.

    Ollama checks after the capabilities and before loading, hence apart from the body (§5.2 #15).
    """
    _read(options)


def merge_options(
    parameters: Mapping[str, Any] | None, options: Mapping[str, Any] | None
) -> dict[str, Any]:
    """What the model's parameters and, over them, the request's options set; no defaults.

    Unknown names are left out, names are case-sensitive, null keeps what was there, integers are
    cut toward zero. Raises OllamaError(500) as `check_options` does, for either source.
    """
    return {**_read(parameters), **_read(options)}


def all_options(
    options: Mapping[str, Any] | None,
    model: Model,
    dialect: Dialect,
    *,
    limit_name: str,
    zero_limit: bool,
) -> tuple[dict[str, Any], list[str]]:
    """The parameters of a request for a model, and the names of the options that have none.

    `limit_name` is what the backend calls `num_predict`. For generate Ollama leaves a 0 out and so
    gets no limit; for chat (`zero_limit`) it sends the 0 (§10.2, golden
    options/sent-native-num-predict-0, real/num-predict-0). Raises as `check_options` does.
    """
    values = merge_options(model.parameters, options)
    parameters, dropped = option_parameters(values, dialect)
    limit = token_limit(values, model.context_length)
    if limit is not None and (limit or zero_limit):
        parameters[limit_name] = limit
    return parameters, [*dropped, *load_options(options)]


def option_parameters(
    values: Mapping[str, Any], dialect: Dialect
) -> tuple[dict[str, Any], list[str]]:
    """The request parameters of what is set, except `num_predict`; and the names that have none.

    Options that are settled when a backend starts are in neither.
    """
    parameters: dict[str, Any] = {}
    dropped: list[str] = []
    for name, value in values.items():
        if name == "num_predict" or table()[name].group == "load":
            continue
        if name == "stop":
            # An empty stop text stops nothing in llama.cpp and is refused elsewhere.
            value = [text for text in value if text]  # noqa: PLW2901
            if not value:
                continue
        if name == "seed" and value < 0:
            continue  # a random one, which is what a backend takes by itself
        if name in dialect.parameters:
            parameters[dialect.parameters[name]] = value
        else:
            dropped.append(name)
    return parameters, dropped


def token_limit(values: Mapping[str, Any], context_length: int) -> int | None:
    """The `num_predict` to send, None for no limit.

    Negative is no limit, and so is what Ollama itself would cut to its bound for "no limit".
    """
    limit: int | None = values.get("num_predict")
    if limit is None or limit < 0:
        return None
    if context_length and limit >= CONTEXTS_WITHOUT_LIMIT * context_length:
        return None
    return limit


def load_options(options: Mapping[str, Any] | None) -> list[str]:
    """Names of the options set that would need another start of the backend (`num_ctx`)."""
    return [name for name in _read(options) if table()[name].group == "load"]


def _read(options: Mapping[str, Any] | None) -> dict[str, Any]:
    if not options:
        return {}
    known = table()
    return {
        name: _value(name, known[name].type, value)
        for name, value in options.items()
        if value is not None and name in known
    }


def _value(name: str, kind: str, value: Any) -> Any:
    number = type(value) in (int, float)
    match kind:
        case "int":
            return _integer(value) if number else _refuse(name, "of type integer")
        case "float32":
            return value if number else _refuse(name, "of type float32")
        case "bool":
            return value if isinstance(value, bool) else _refuse(name, "of type boolean")
    if not isinstance(value, list | tuple):
        _refuse(name, "of type array")
    if not all(isinstance(item, str) for item in value):
        _refuse(name, "of an array of strings")
    return list(value)


def _integer(value: int | float) -> int:
    """Cut toward zero; beyond 64 bits the smallest integer, as Go's conversion gives on amd64."""
    if not -(2**63) <= value < 2**63:  # holds for NaN too, which a catalog file can spell
        return -(2**63)
    return int(value)


def _refuse(name: str, wanted: str) -> Any:
    raise OllamaError(500, f'option "{name}" must be {wanted}')
