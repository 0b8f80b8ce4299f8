"""What backends tell of their models beyond OpenAI's four fields, in one vocabulary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict, cast

from ollama_facade.translate.metadata_readers import READERS


class Facts(TypedDict, total=False):
    """Only what was told; the names are those of `Model`.

    `capabilities` is there only when the backend told all of it, so that what is missing may be
    refused. What a backend merely mentions is in `capabilities_seen` instead: good to show, no
    reason to refuse. `size` is bytes, `created` seconds since 1970.
    """

    capabilities: tuple[str, ...]
    capabilities_seen: tuple[str, ...]
    context_length: int
    embedding_length: int
    family: str
    parameter_size: str
    parameter_count: int
    quantization_level: str
    format: str
    size: int
    created: int


def facts(entry: Mapping[str, Any], properties: Mapping[str, Any] | None = None) -> Facts:
    """The facts in one raw entry of the backend's list of models.

    `properties` is what the backend says elsewhere: llama.cpp's `/props`, an Ollama's `/api/show`.
    All readers look at every entry; the first that knows a fact wins. Any JSON is taken: what has
    another type than expected is as if it were not there.
    """
    found: dict[str, Any] = {}
    seen: dict[str, None] = {}
    for reader in READERS:
        told = reader(entry, properties or {})
        seen.update(dict.fromkeys(told.pop("capabilities_seen", ())))
        for key, value in told.items():
            if value:
                found.setdefault(key, value)
    if seen and "capabilities" not in found:
        found["capabilities_seen"] = tuple(seen)
    return cast("Facts", found)
