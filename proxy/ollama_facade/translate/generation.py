"""The two halves of a route that generates: what its parser returns, and what its renderer does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

from ollama_facade.errors import OllamaError
from ollama_facade.translate.deltas import Completion, Output
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


class Renderer(Protocol):
    """How an answer looks on one API; it remembers what a stream has begun."""

    def render_deltas(self, output: Output, created_at: str, /) -> Sequence[dict[str, Any] | bytes]:
        """The frames of deltas that were read together."""

    def render_end(
        self, completion: Completion, created_at: str, metrics: dict[str, int], /
    ) -> Sequence[dict[str, Any] | bytes]:
        """The frames that end a stream."""

    def render_response(
        self, completion: Completion, created_at: str, metrics: dict[str, int], /
    ) -> dict[str, Any]:
        """The answer that is not streamed."""

    def render_error(self, error: OllamaError, /) -> Sequence[dict[str, Any] | bytes]:
        """The frames that end a stream after a failure. Raises `error` where the API has none."""
