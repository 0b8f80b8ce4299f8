"""The OpenAPI document as data, and what is compiled from it.

`openapi/ollama.yaml` is the contract: routes, schemas, examples, and under `x-` keys what JSON
Schema cannot say. `document()` and `operations()` read it, `schema()` gives one component as
JSON Schema. `decoder` turns the bytes of a body into checked data. Begin with `openapi.py`.
"""

from __future__ import annotations

from ollama_facade.contract.openapi import (
    METHODS,
    PLACES,
    BodyForm,
    ErrorForm,
    Operation,
    document,
    file,
    load,
    operations,
    schema,
    target,
)

__all__ = [
    "METHODS",
    "PLACES",
    "BodyForm",
    "ErrorForm",
    "Operation",
    "document",
    "file",
    "load",
    "operations",
    "schema",
    "target",
]
