"""The facts of a model, and its entries in `/api/tags`, `/api/ps` and `/api/show`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from ollama_facade.clock import format_time

DEFAULT_TEMPLATE = "{{ .Prompt }}"
"""The template that Ollama shows of a model without one (management.md §3.3)."""

UNKNOWN_ARCHITECTURE = "unknown"
"""`general.architecture` of a model whose family is not known.

Copilot Chat and others read the context length from ``<general.architecture>.context_length``
(management.md §5.4), so there must be a word; no architecture of llama.cpp has this one.
"""

_THOUSAND, _MILLION, _BILLION = 10**3, 10**6, 10**9


@dataclass(frozen=True, slots=True)
class Model:
    """One model of the catalog. Numbers and texts that are not known are 0 and ``""``."""

    name: str
    """The display name with its tag (``sys:latest``)."""
    backend_id: str
    """The `model` of requests to the backend."""
    _: KW_ONLY
    system: str = ""
    template: str = ""
    parameters: Mapping[str, object] = field(default_factory=dict)
    messages: tuple[Mapping[str, Any], ...] = ()
    license: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ("completion",)
    capabilities_known: bool = False
    """Whether a missing capability may be refused; otherwise they are an assumption."""
    context_length: int = 0
    embedding_length: int = 0
    family: str = ""
    parameter_size: str = ""
    quantization_level: str = ""
    format: str = ""
    parent_model: str = ""
    parameter_count: int = 0
    digest: str
    """64 lower-case hex digits without a prefix."""
    modified_at: int
    """Nanoseconds since 1970."""
    size: int = 0
    """Bytes."""
    owned_by: str = ""
    from_catalog: bool = False


def tags_entry(model: Model) -> dict[str, Any]:
    """Returns an element of `models` of `/api/tags`, in Ollama's order (management.md §3.1)."""
    facts = details(model)
    if model.context_length > 0:
        facts["context_length"] = model.context_length
    if model.embedding_length > 0:
        facts["embedding_length"] = model.embedding_length
    entry: dict[str, Any] = {
        "name": model.name,
        "model": model.name,
        "modified_at": format_time(model.modified_at),
        "size": model.size,
        "digest": model.digest,
        "details": facts,
    }
    if model.capabilities:
        entry["capabilities"] = list(model.capabilities)
    return entry


def ps_entry(model: Model, *, expires_at: int, context_length: int) -> dict[str, Any]:
    """Returns an element of `models` of `/api/ps` (management.md §3.2).

    `expires_at` is wall time in nanoseconds. `size_vram` is 0: the model is elsewhere.
    """
    return {
        "name": model.name,
        "model": model.name,
        "size": model.size,
        "digest": model.digest,
        "details": {**details(model), "parent_model": ""},
        "expires_at": format_time(expires_at),
        "size_vram": 0,
        "context_length": context_length,
    }


def details(model: Model) -> dict[str, Any]:
    """Returns the six fields that are always present; `families` is null without a family."""
    return {
        "parent_model": model.parent_model,
        "format": model.format,
        "family": model.family,
        "families": [model.family] if model.family else None,
        "parameter_size": model.parameter_size or human_number(model.parameter_count),
        "quantization_level": model.quantization_level,
    }


def model_info(model: Model, *, basename: str = "") -> dict[str, Any]:
    """Returns the facts of `/api/show` under the keys of a GGUF file (management.md §3.3)."""
    architecture = model.family or UNKNOWN_ARCHITECTURE
    facts: dict[str, Any] = {"general.architecture": architecture}
    if basename:
        facts["general.basename"] = basename
    if model.parameter_count > 0:
        facts["general.parameter_count"] = model.parameter_count
    if model.context_length > 0:
        facts[f"{architecture}.context_length"] = model.context_length
    if model.embedding_length > 0:
        facts[f"{architecture}.embedding_length"] = model.embedding_length
    return dict(sorted(facts.items()))


def human_number(count: int) -> str:
    """Formats a count of parameters as Ollama does; ``""`` for 0 (format/format.go HumanNumber).

    >>> [human_number(n) for n in (134_520_000, 7_615_616_512, 8_000_000_000, 22_500, 128)]
    ['134.52M', '7.6B', '8B', '22K', '128']
    """
    if count <= 0:
        return ""
    for unit, letter, digits in ((_BILLION, "B", 1), (_MILLION, "M", 2)):
        if count >= unit:
            number = count / unit
            return (
                f"{number:.0f}{letter}" if number.is_integer() else f"{number:.{digits}f}{letter}"
            )
    return f"{count / _THOUSAND:.0f}K" if count >= _THOUSAND else str(count)
