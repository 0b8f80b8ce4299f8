"""What a parser makes of a client's body: the one form in which every API asks for a generation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from ollama_facade.translate.dialects import Dialect
from ollama_facade.translate.models import Model
from ollama_facade.translate.requests import BackendRequest

Think: TypeAlias = "bool | str | None"
"""Whether, or how hard, the model is to think; None leaves it to the model."""

Build: TypeAlias = Callable[[Model, Dialect, Think], BackendRequest]
"""Makes the backend request; `Think` is what is in force after the checks."""


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """One text, chat or completion to generate."""

    model: str
    """The name as the client wrote it."""

    operation: Literal["chat", "generate"]
    """The route of Ollama's whose checks and error texts hold."""

    build: Build
    """Raises OllamaError for what the backend cannot be asked for."""

    stream: bool

    has_input: bool = True
    """Without any the model is loaded, or unloaded when `keep_alive` is 0."""

    keep_alive: object = None
    """As the client wrote it."""

    think: Think = None

    think_is_optional: bool = False
    """Whether thinking that the model cannot do is left out and not refused."""

    capability: str = ""
    """What the model has to be able to do besides: ``tools`` or ``insert``."""

    options: Mapping[str, Any] | None = None

    alternatives: int | None = None
    """Log probabilities of so many other tokens; None: of none at all."""

    check: Callable[[Model], None] | None = None
    """What only this API checks of a model, before everything else. Raises OllamaError."""
