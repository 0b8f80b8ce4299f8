"""Translates Ollama's `options` to request parameters (inference.md §9).

The table is the schema `Options` of the contract: `x-ollama-type` is the type of an option,
`x-backend` says how it is used.
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

MAX_CONTEXTS = 10
"""Ollama's bound on tokens where there is no limit, in contexts (inference.md §10.2)."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option of Ollama."""

    type: str
    """Its Go type."""
    group: str
    """`load` for an option that takes effect when the backend starts."""


@cache
def table() -> Mapping[str, Option]:
    """Returns every option of Ollama by its name, in the order of the contract."""
    properties = contract.document()["components"]["schemas"]["Options"]["properties"]
    return {
        name: Option(entry["x-ollama-type"], entry["x-backend"]["group"])
        for name, entry in properties.items()
    }


def check_options(options: Mapping[str, Any] | None) -> None:
    """Raises OllamaError(500) for the first option whose value is of the wrong type.

    Ollama checks after the capabilities and before loading, hence apart from the body
    (inference.md §5.2 #15).
    """
    _read(options)


def merge_options(
    parameters: Mapping[str, Any] | None, options: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Merges the parameters of the model with the options of the request; no defaults.

    Unknown names and nulls are left out, names are case-sensitive, integers are truncated toward
    zero. Raises OllamaError(500) as `check_options` does, for either source.
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
    """Returns the parameters of a request, and the names of the options that are not sent.

    `limit_name` is the backend's name of `num_predict`. For generate Ollama leaves a 0 out, which
    is no limit; for chat (`zero_limit`) it sends the 0 (inference.md §10.2, golden
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
    """Returns the request parameters of options, and the names of those that have none.

    `num_predict` and the options that take effect when a backend starts are in neither.
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
            continue  # Ollama's random seed, which is the default of a backend
        if name in dialect.parameters:
            parameters[dialect.parameters[name]] = value
        else:
            dropped.append(name)
    return parameters, dropped


def token_limit(values: Mapping[str, Any], context_length: int) -> int | None:
    """Returns the `num_predict` to send, None for no limit.

    A negative one is no limit, and so is one that Ollama would cut to its bound.
    """
    limit: int | None = values.get("num_predict")
    if limit is None or limit < 0:
        return None
    if context_length and limit >= MAX_CONTEXTS * context_length:
        return None
    return limit


def load_options(options: Mapping[str, Any] | None) -> list[str]:
    """Lists the options that would need a restart of the backend (`num_ctx`)."""
    return [name for name in _read(options) if table()[name].group == "load"]


def _read(options: Mapping[str, Any] | None) -> dict[str, Any]:
    if not options:
        return {}
    types = table()
    return {
        name: _value(name, types[name].type, value)
        for name, value in options.items()
        if value is not None and name in types
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
    """Truncates toward zero; beyond 64 bits returns the smallest integer, as Go does on amd64."""
    if not -(2**63) <= value < 2**63:  # true for NaN, which a file of the catalog can hold
        return -(2**63)
    return int(value)


def _refuse(name: str, expected: str) -> Any:
    raise OllamaError(500, f'option "{name}" must be {expected}')
