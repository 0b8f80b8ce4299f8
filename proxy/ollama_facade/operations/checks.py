"""The checks between a body and the backend, in Ollama's order and words (inference.md §5.2, §6.2).

A model whose capabilities are not known is refused nothing.
"""

from __future__ import annotations

from ollama_facade import names
from ollama_facade.errors import OllamaError
from ollama_facade.golang.encode import quote
from ollama_facade.translate.generation import GenerationRequest, Think
from ollama_facade.translate.models import Model
from ollama_facade.translate.options import check_options


def check_generation(generation: GenerationRequest, model: Model) -> Think:
    """Checks a request against its model, in Ollama's order (inference.md §5.2, §6.2).

    Returns the `think` in force. Raises OllamaError.
    """
    if generation.check is not None:
        generation.check(model)
    name, think = generation.model, generation.think
    unable = model.capabilities_known and "thinking" not in model.capabilities
    if unable and generation.think_is_optional:
        think = None
    think = thinking(model, name, think)
    check_completion(model, name, generation.operation)
    if generation.capability:
        check_capability(model, generation.capability)
    if generation.options:
        check_options(generation.options)
    return think


def thinking(model: Model, name: str, think: bool | str | None) -> bool | str | None:
    """The `think` in force: on for a model that can, unless the client says otherwise.

    (inference.md §2.2) Raises OllamaError when a model that is known not to think is asked to.
    """
    if "thinking" in model.capabilities:
        return True if think is None else think
    if think and model.capabilities_known:
        raise OllamaError(400, f"{quote(name)} does not support thinking")
    return think


def check_completion(model: Model, name: str, verb: str) -> None:
    """`verb` is ``chat`` or ``generate``; an embedding model can neither."""
    if model.capabilities_known and "completion" not in model.capabilities:
        raise OllamaError(400, f"{quote(name)} does not support {verb}")


def check_capability(model: Model, capability: str) -> None:
    """Raises OllamaError with the fully qualified name, without quotes (inference.md §3.1)."""
    if model.capabilities_known and capability not in model.capabilities:
        parsed = names.parse(model.name)
        qualified = parsed.qualified() if parsed else model.name
        raise OllamaError(400, f"{qualified} does not support {capability}")
