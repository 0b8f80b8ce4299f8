"""What is known of a model, and the entries of `/api/tags` and `/api/ps` that show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Model:
    """One model as the catalog knows it; immutable, `dataclasses.replace` makes another.

    `name` is the display name with its tag (``sys:latest``), `backend_id` the `model` that goes to
    the backend. `digest` is 64 lower-case hex digits without a prefix, `modified_at` nanoseconds
    since 1970, `size` bytes. Numbers and texts that nobody told are 0 and ``""``.
    """

    name: str
    backend_id: str
    _: KW_ONLY
    system: str = ""
    template: str = ""
    parameters: Mapping[str, object] = field(default_factory=dict)
    messages: tuple[Mapping[str, Any], ...] = ()
    license: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ("completion",)
    # False: the capabilities are a documented default, so nothing may be refused because of them.
    capabilities_known: bool = False
    context_length: int = 0
    embedding_length: int = 0
    family: str = ""
    parameter_size: str = ""
    quantization_level: str = ""
    format: str = ""
    parent_model: str = ""
    parameter_count: int = 0
    digest: str
    modified_at: int
    size: int = 0
    owned_by: str = ""
    from_catalog: bool = False
