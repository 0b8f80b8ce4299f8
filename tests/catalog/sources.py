"""A backend's list of models for the tests of the catalog, and catalogs over it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ollama_facade.catalog.registry import Catalog
from ollama_facade.clock import SECOND, Clock
from ollama_facade.config.settings import Settings
from ollama_facade.errors import BackendError

CREATED = 1_700_000_000


class Source:
    """Lists `ids` in this order, each a second newer than the one before."""

    def __init__(self, *ids: str, **more: Any) -> None:
        self.entries: list[dict[str, Any]] = [
            {"id": identity, "created": CREATED + number, "owned_by": "tests", **more}
            for number, identity in enumerate(ids)
        ]
        self.fetches = 0
        self.fetched_properties: list[str] = []
        self.failure: BackendError | None = None
        self.gate: asyncio.Event | None = None

    async def models(self) -> list[dict[str, Any]]:
        self.fetches += 1
        if self.gate is not None:
            await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return [dict(entry) for entry in self.entries]

    async def properties(self, model_id: str) -> dict[str, Any]:
        self.fetched_properties.append(model_id)
        return {}


class Hands(Clock):
    """A clock that is advanced by hand; the wall time is that of the machine."""

    def __init__(self) -> None:
        self.now = SECOND

    def monotonic(self) -> int:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += int(seconds * SECOND)


def catalog(
    folder: Path | None, *ids: str, source: Source | None = None, clock: Clock | None = None
) -> Catalog:
    """A catalog over a backend that lists `ids`, and over the folder if there is one."""
    return Catalog(Settings(models=folder), source or Source(*ids), clock or Clock())


def lay(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


async def made(catalog: Catalog, **body: Any) -> list[str]:
    """The statuses of a create."""
    return [frame["status"] async for frame in catalog.create(body)]


def names_of(models: Iterable[Any]) -> list[str]:
    return [model.name for model in models]


def unreachable() -> BackendError:
    return BackendError(502, "backend unreachable", kind="unreachable")
