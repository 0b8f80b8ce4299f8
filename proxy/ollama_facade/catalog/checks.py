"""What a create request may hold, beyond the types that the contract declares.

The same checks, with Ollama's texts (management.md §3.10), for `POST /api/create` and for a file of
the folder.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ollama_facade.errors import OllamaError

NOT_IMPLEMENTED = 501
"""Nothing that a client changes in its request would help: this server has no weights."""

_TEXTS = ("model_family", "base_name", "quantization_level", "parameter_size")
_NUMBERS = ("context_length", "embedding_length")
_WEIGHTS = {
    "adapters": "applying adapters",
    "draft_files": "adding draft models",
    "quantize": "quantizing",
    "quantization": "quantizing",
    "draft_quantize": "quantizing",
}
# What lies in an action before its end: a comment or a string may hold `}}`.
_WITHIN = re.compile(
    r"""/\*.*?\*/|"(?:[^"\\\n]|\\.)*"|`[^`]*`|'(?:[^'\\\n]|\\.)*'|\}\}""", re.DOTALL
)


def check_weights(body: Mapping[str, Any]) -> None:
    """Raises OllamaError for all that needs the weights of a model, which only the backend has."""
    files = body.get("files")
    if files and not body.get("from"):
        # The names are looked at before the content (golden manage/create-files-unknown-type).
        if not any(path.endswith((".gguf", ".safetensors")) for path in files):
            raise OllamaError(400, "unknown type")
        raise weights_refused("creating a model from files")
    for field, doing in _WEIGHTS.items():
        if body.get(field):
            raise weights_refused(doing)


def weights_refused(doing: str) -> OllamaError:
    """The refusal of `doing`, with the way that is open."""
    return OllamaError(
        NOT_IMPLEMENTED,
        f"{doing} is not supported: the weights of every model belong to the backend; "
        "create a model with 'from' and the name of a model that is listed",
    )


def check_info(info: Mapping[str, Any] | None) -> None:
    """Raises OllamaError(400) for a field of `info` of a wrong type."""
    told = {field: value for field, value in (info or {}).items() if value is not None}
    capabilities = told.get("capabilities", [])
    if not isinstance(capabilities, list) or not all(isinstance(c, str) for c in capabilities):
        raise OllamaError(400, 'info field "capabilities" must be a list of strings')
    for field in _TEXTS:
        if not isinstance(told.get(field, ""), str):
            raise OllamaError(400, f'info field "{field}" must be a string')
    for field in _NUMBERS:
        number = told.get(field, 0)
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise OllamaError(400, f'info field "{field}" must be a number')
        if number < 0 or number != number // 1:
            raise OllamaError(400, f'info field "{field}" must be a non-negative integer')


def check_template(template: str | None) -> None:
    """Raises OllamaError(400) for an action of a Go template that does not end.

    No template is run here, so what else Go would find in it is not looked for.
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
    """Where the action ends whose inside begins at `start`, -1 when it does not."""
    for found in _WITHIN.finditer(text, start):
        if found.group() == "}}":
            return found.end()
    return -1


def check_license(value: object) -> None:
    """Raises OllamaError(500) for a license that is neither a text nor a list of texts.

    The status is Ollama's, which finds out late (golden manage/create-license-number).
    """
    if value is None or isinstance(value, str):
        return
    if not isinstance(value, list):
        raise _cannot_unmarshal(value, "[]string")
    for text in value:
        if text is not None and not isinstance(text, str):
            raise _cannot_unmarshal(text, "string")


def _cannot_unmarshal(value: object, kind: str) -> OllamaError:
    if isinstance(value, bool):
        given = "bool"
    elif isinstance(value, list):
        given = "array"
    else:
        given = "object" if isinstance(value, dict) else "number"
    return OllamaError(500, f"json: cannot unmarshal {given} into Go value of type {kind}")
