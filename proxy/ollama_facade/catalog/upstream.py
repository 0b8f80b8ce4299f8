"""The backend's list of models, cached and fetched once for concurrent requests.

The list is cached for some seconds. When it cannot be fetched again the last one stays in use, and
no request waits longer than `REFRESH_WAIT` for a new list while there is one (faults.md row 83).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Protocol

import structlog

from ollama_facade.catalog import entry
from ollama_facade.clock import SECOND, Clock
from ollama_facade.errors import BackendError
from ollama_facade.translate import metadata
from ollama_facade.translate.models import Model

REFRESH_WAIT = 1.0
"""Seconds that a request waits for a new list while there is an old one."""

_YEAR_3000 = 32_503_680_000

_log = structlog.get_logger(__name__)


class Source(Protocol):
    """Provides the list: the backend, or a test."""

    async def models(self) -> list[dict[str, Any]]:
        """Returns the raw entries of `/v1/models`. Raises BackendError."""
        ...

    async def properties(self, model_id: str) -> dict[str, Any]:
        """Returns llama.cpp's `/props`, ``{}`` where there are none."""
        ...


@dataclass(frozen=True, slots=True)
class Listing:
    """The models of the backend by their ids."""

    version: int = 0
    """A number that changes with the models."""
    models: tuple[Model, ...] = ()


class ModelCache:
    """Caches the backend's list for `ttl` seconds."""

    def __init__(self, source: Source, ttl: float, clock: Clock) -> None:
        self._source = source
        self._ttl = int(ttl * SECOND)
        self._clock = clock
        self._listing: Listing | None = None
        self._raw: list[dict[str, Any]] = []
        self._expires = 0
        self._refreshing: asyncio.Task[Listing] | None = None
        self._times: dict[str, int] = {}
        self._failure: BackendError | None = None
        self._fetched_at = 0

    async def listing(self) -> Listing:
        """Returns the list. Raises BackendError when the backend fails and no list is cached."""
        if self._listing is not None and self._clock.monotonic() < self._expires:
            return self._listing
        task = self._refreshing
        if task is None:
            task = self._refreshing = asyncio.create_task(self._refresh())
            task.add_done_callback(self._refreshed)
        if self._listing is None:
            return await asyncio.shield(task)
        await asyncio.wait({task}, timeout=REFRESH_WAIT)
        return self._listing

    async def failure(self) -> BackendError | None:
        """Returns why the last fetch failed, or None; a fetch older than `ttl` is repeated."""
        now = self._clock.monotonic()
        if not self._fetched_at or now >= self._fetched_at + max(self._ttl, SECOND):
            self._expires = 0
            with suppress(BackendError):
                await self.listing()
        return self._failure

    async def _refresh(self) -> Listing:
        try:
            raw = [item for item in await self._source.models() if _identity(item)]
            properties = await self._properties(raw)
        except BackendError as error:
            self._failure, self._fetched_at = error, self._clock.monotonic()
            if self._listing is None:
                raise
            _log.warning("the backend's list of models is out of date", reason=error.message)
            self._expires = self._clock.monotonic() + self._ttl
            return self._listing
        self._failure, self._fetched_at = None, self._clock.monotonic()
        if self._listing is None or raw != self._raw:
            version = 1 if self._listing is None else self._listing.version + 1
            self._listing = Listing(version, self._served(raw, properties))
            self._raw = raw
        self._expires = self._clock.monotonic() + self._ttl
        return self._listing

    def _refreshed(self, task: asyncio.Task[Listing]) -> None:
        self._refreshing = None
        if not task.cancelled():
            # All requests that waited may be gone; the exception has to be retrieved nevertheless.
            task.exception()

    async def _properties(self, raw: list[dict[str, Any]]) -> dict[str, Any]:
        """Fetches llama.cpp's properties, which are those of the model that it has loaded."""
        if len(raw) != 1 or raw[0].get("owned_by") != "llamacpp":
            return {}
        return await self._source.properties(raw[0]["id"])

    def _served(
        self, raw: list[dict[str, Any]], properties: Mapping[str, Any]
    ) -> tuple[Model, ...]:
        models: dict[str, Model] = {}
        times: dict[str, int] = {}
        now = self._clock.wall()
        for item in raw:
            identity = item["id"]
            # vLLM and llama.cpp give the present time with every list: the first one is used.
            times[identity] = self._times.get(identity) or _created(item) or now
            models.setdefault(
                identity, replace(served(item, properties), modified_at=times[identity])
            )
        self._times = times
        return tuple(models.values())


def served(item: Mapping[str, Any], properties: Mapping[str, Any]) -> Model:
    """Returns the model that a raw entry of the list describes; `modified_at` is 0."""
    identity = item["id"]
    facts = metadata.facts(item, properties)
    complete = tuple(facts.get("capabilities") or ())
    owned_by = item.get("owned_by")
    return Model(
        name=entry.display(identity),
        backend_id=identity,
        capabilities=complete or _assumed(facts.get("capabilities_seen") or ()),
        capabilities_known=bool(complete),
        context_length=facts.get("context_length") or 0,
        embedding_length=facts.get("embedding_length") or 0,
        family=facts.get("family") or "",
        parameter_size=facts.get("parameter_size") or "",
        parameter_count=facts.get("parameter_count") or 0,
        quantization_level=facts.get("quantization_level") or "",
        format=facts.get("format") or "",
        size=facts.get("size") or 0,
        digest=entry.digest({}, identity),
        modified_at=0,
        owned_by=owned_by if isinstance(owned_by, str) else "",
    )


def _assumed(mentioned: Iterable[str]) -> tuple[str, ...]:
    """Returns the capabilities of an incomplete description: completion, unless it embeds."""
    mentioned = tuple(dict.fromkeys(mentioned))
    if "embedding" in mentioned or "completion" in mentioned:
        return mentioned
    return ("completion", *mentioned)


def _identity(item: Mapping[str, Any]) -> str:
    identity = item.get("id")
    return identity if isinstance(identity, str) else ""


def _created(item: Mapping[str, Any]) -> int:
    """Returns the time that the backend gives in nanoseconds, 0 for none."""
    created = item.get("created")
    if isinstance(created, bool) or not isinstance(created, int | float):
        return 0
    return int(created) * SECOND if 0 < created < _YEAR_3000 else 0
