"""Checks a create request beyond the types of the contract (management.md §3.10).

`POST /api/create` and the files of the folder have the same checks, with Ollama's texts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ollama_facade.errors import OllamaError

NOT_IMPLEMENTED = 501
"""The status of what needs weights: no other request of the client would succeed."""

_TEXTS = ("model_family", "base_name", "quantization_level", "parameter_size")
_NUMBERS = ("context_length", "embedding_length")
_WEIGHTS = {
    "adapters": "applying adapters",
    "draft_files": "adding draft models",
    "quantize": "quantizing",
    "quantization": "quantizing",
    "draft_quantize": "quantizing",
}
# The parts of an action and its end; a comment or a string may hold `}}`.
_ACTION_PART = re.compile(
    r"""/\*.*?\*/|"(?:[^"\\\n]|\\.)*"|`[^`]*`|'(?:[^'\\\n]|\\.)*'|\}\}""", re.DOTALL
)


def check_request(body: Mapping[str, Any]) -> None:
    """Raises OllamaError for the first problem of a create request, in Ollama's order.

    Ollama checks `from` before all of them (create.go:192-334).
    """
    check_weights(body)
    check_info(body.get("info"))
    check_template(body.get("template"))
    check_license(body.get("license"))


def check_weights(body: Mapping[str, Any]) -> None:
    """Raises OllamaError for what needs the weights of a model, which only the backend has."""
    files = body.get("files")
    if files and not body.get("from"):
        # The names are checked before the content (golden manage/create-files-unknown-type).
        if not any(path.endswith((".gguf", ".safetensors")) for path in files):
            raise OllamaError(400, "unknown type")
        raise weights_refused("creating a model from files")
    for field, action in _WEIGHTS.items():
        if body.get(field):
            raise weights_refused(action)


def weights_refused(action: str) -> OllamaError:
    """Returns the error for an action that needs weights, with the alternative."""
    return OllamaError(
        NOT_IMPLEMENTED,
        f"{action} is not supported: the weights of every model belong to the backend; "
        "create a model with 'from' and the name of a model that is listed",
    )


def check_info(info: Mapping[str, Any] | None) -> None:
    """Raises OllamaError(400) for a field of `info` of a wrong type."""
    fields = {field: value for field, value in (info or {}).items() if value is not None}
    capabilities = fields.get("capabilities", [])
    if not isinstance(capabilities, list) or not all(isinstance(c, str) for c in capabilities):
        raise OllamaError(400, 'info field "capabilities" must be a list of strings')
    for field in _TEXTS:
        if not isinstance(fields.get(field, ""), str):
            raise OllamaError(400, f'info field "{field}" must be a string')
    for field in _NUMBERS:
        number = fields.get(field, 0)
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise OllamaError(400, f'info field "{field}" must be a number')
        if number < 0 or number != number // 1:
            raise OllamaError(400, f'info field "{field}" must be a non-negative integer')


def check_template(template: str | None) -> None:
    """Raises OllamaError(400) for an unclosed action of a Go template.

    Templates are not run here, so other errors that Go would report are not detected.
    """
    text = template or ""
    start = text.find("{{")
    while start >= 0:
        end = _end_of_action(text, start + 2)
        if end < 0:
            line = text.count("\n", 0, start) + 1
            raise OllamaError(400, f"template error: template: :{line}: unclosed action")
        start = text.find("{{", end)


def _end_of_action(text: str, start: int) -> int:
    """Returns the end of the action whose content begins at `start`, -1 when it has none."""
    for part in _ACTION_PART.finditer(text, start):
        if part.group() == "}}":
            return part.end()
    return -1


def check_license(value: object) -> None:
    """Raises OllamaError(500) for a license that is neither a text nor a list of texts.

    The status is Ollama's, which checks late (golden manage/create-license-number).
    """
    if value is None or isinstance(value, str):
        return
    if not isinstance(value, list):
        raise _cannot_unmarshal(value, "[]string")
    for text in value:
        if text is not None and not isinstance(text, str):
            raise _cannot_unmarshal(text, "string")


def _cannot_unmarshal(value: object, go_type: str) -> OllamaError:
    if isinstance(value, bool):
        kind = "bool"
    elif isinstance(value, list):
        kind = "array"
    else:
        kind = "object" if isinstance(value, dict) else "number"
    return OllamaError(500, f"json: cannot unmarshal {kind} into Go value of type {go_type}")
