"""The answer of `/api/show` (management.md §3.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ollama_facade.clock import format_time
from ollama_facade.translate.modelfile import modelfile, parameters_text
from ollama_facade.translate.models import DEFAULT_TEMPLATE, Model, details, model_info


def show_answer(
    model: Model,
    *,
    system: str = "",
    options: Mapping[str, object] | None = None,
    basename: str = "",
) -> dict[str, Any]:
    """All that is known of the model, keys in Ollama's order; what is empty is left out.

    `system` stands in for the model's own (golden show/system-override). `options` show only in
    the Modelfile, not in `parameters`. `basename` becomes ``general.basename``.
    """
    shown = replace(
        model,
        system=system or model.system,
        parameters={**model.parameters, **(options or {})},
    )
    optional: dict[str, Any] = {
        "license": "\n".join(model.license),
        "modelfile": modelfile(shown),
        "parameters": parameters_text(model.parameters),
        "template": model.template or DEFAULT_TEMPLATE,
        "system": shown.system,
    }
    answer = {key: text for key, text in optional.items() if text}
    answer["details"] = details(model)
    if model.messages:
        answer["messages"] = [
            {"role": message.get("role") or "", "content": message.get("content") or ""}
            for message in model.messages
        ]
    answer["model_info"] = model_info(model, basename=basename)
    if model.capabilities:
        answer["capabilities"] = list(model.capabilities)
    answer["modified_at"] = format_time(model.modified_at)
    return answer
