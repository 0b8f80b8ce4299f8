"""What every operation is made of."""

from __future__ import annotations

from dataclasses import dataclass

from ollama_facade.backend.client import Backend
from ollama_facade.catalog.registry import Catalog
from ollama_facade.clock import Clock
from ollama_facade.config.settings import Settings
from ollama_facade.operations.loaded import Loaded


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of one process that operations share."""

    settings: Settings
    clock: Clock
    catalog: Catalog
    backend: Backend
    loaded: Loaded
