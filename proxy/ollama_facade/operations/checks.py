"""The checks between a body and the backend, in Ollama's order and words (inference.md §5.2, §6.2).

A model whose abilities nobody told is not refused anything: only what is known can be missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ollama_facade import names
from ollama_facade.errors import OllamaError
from ollama_facade.golang.encode import quote
from ollama_facade.translate.models import Model
from ollama_facade.translate.options import check_options

_NEEDS: Mapping[str, tuple[str, str]] = {
    "chat": ("tools", "tools"),
    "generate": ("suffix", "insert"),
}
"""The field of a body that only models with an ability can use, and the ability."""


def check_generation(
    body: Mapping[str, Any], model: Model, name: str, verb: str
) -> bool | str | None:
    """What `/api/chat` and `/api/generate` check alike of a body for a model (§5.2, §6.2).

    `verb` is ``chat`` or ``generate``. Gives the `think` in force. Raises OllamaError.
    """
    think = thinking(model, name, body.get("think"))
    check_completion(model, name, verb)
    field, ability = _NEEDS[verb]
    if body.get(field):
        check_capability(model, ability)
    check_options(body.get("options"))
    return think


def check_top_logprobs(body: Mapping[str, Any]) -> None:
    """Before anything else, even the model's name (inference.md §5.2 #2)."""
    if not 0 <= (body.get("top_logprobs") or 0) <= 20:
        raise OllamaError(400, "top_logprobs must be between 0 and 20")


def thinking(model: Model, name: str, think: bool | str | None) -> bool | str | None:
    """The `think` in force: on for a model that can, unless the client said otherwise (§2.2).

    Raises OllamaError when thinking is asked of a model that is known not to think.
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
    """``tools`` or ``insert``: the text has the fully qualified name, without quotes (§3.1)."""
    if model.capabilities_known and capability not in model.capabilities:
        parsed = names.parse(model.name)
        qualified = parsed.qualified() if parsed else model.name
        raise OllamaError(400, f"{qualified} does not support {capability}")


def check_generate(body: Mapping[str, Any], model: Model) -> None:
    """What only `/api/generate` checks (§5.2 #9, #10)."""
    if model.capabilities_known and "image" in model.capabilities:
        raise OllamaError(400, "image generation models are not currently supported")
    if body.get("raw") and (body.get("template") or body.get("system") or body.get("context")):
        raise OllamaError(400, "raw mode does not support template, system, or context")
