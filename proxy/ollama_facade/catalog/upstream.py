"""What the backend serves: its list of models, asked for once however many want it.

The list is kept for some seconds. When it cannot be had again the last one stays, and nobody waits
for a slow backend longer than a moment as long as there is one (faults.md row 83).
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
"""Seconds that a request waits for a new list while an old one is at hand."""

_YEAR_3000 = 32_503_680_000

_log = structlog.get_logger(__name__)


class Source(Protocol):
    """What gives the list: the backend, or a list in a test."""

    async def models(self) -> list[dict[str, Any]]:
        """The raw entries of `/v1/models`. Raises BackendError."""
        ...

    async def properties(self, model_id: str) -> dict[str, Any]:
        """llama.cpp's `/props`, ``{}`` where there are none."""
        ...


@dataclass(frozen=True, slots=True)
class Listing:
    """The models of the backend by their ids; `version` changes when they do."""

    version: int = 0
    models: tuple[Model, ...] = ()


class ModelCache:
    """The list of the backend, cached for `ttl` seconds."""

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
        self._tried = 0

    async def listing(self) -> Listing:
        """The list. Raises BackendError when the backend fails and no older list is known."""
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
        """Why the last try to have the list failed; a try older than `ttl` is made again."""
        now = self._clock.monotonic()
        if not self._tried or now >= self._tried + max(self._ttl, SECOND):
            self._expires = 0
            with suppress(BackendError):
                await self.listing()
        return self._failure

    async def _refresh(self) -> Listing:
        try:
            raw = [item for item in await self._source.models() if _identity(item)]
            properties = await self._properties(raw)
        except BackendError as error:
            self._failure, self._tried = error, self._clock.monotonic()
            if self._listing is None:
                raise
            _log.warning("the backend's list of models is out of date", reason=error.message)
            self._expires = self._clock.monotonic() + self._ttl
            return self._listing
        self._failure, self._tried = None, self._clock.monotonic()
        if self._listing is None or raw != self._raw:
            version = 1 if self._listing is None else self._listing.version + 1
            self._listing = Listing(version, self._served(raw, properties))
            self._raw = raw
        self._expires = self._clock.monotonic() + self._ttl
        return self._listing

    def _refreshed(self, task: asyncio.Task[Listing]) -> None:
        self._refreshing = None
        if not task.cancelled():
            # Everybody who waited for it may have left; then nobody else looks at it.
            task.exception()

    async def _properties(self, raw: list[dict[str, Any]]) -> dict[str, Any]:
        """llama.cpp's properties are those of the model that it has loaded: for a list of one."""
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
            # vLLM and llama.cpp say "now" at each request: the first answer stays.
            times[identity] = self._times.get(identity) or _created(item) or now
            models.setdefault(
                identity, replace(served(item, properties), modified_at=times[identity])
            )
        self._times = times
        return tuple(models.values())


def served(item: Mapping[str, Any], properties: Mapping[str, Any]) -> Model:
    """The model that a raw entry of the list describes; `modified_at` is 0."""
    identity = item["id"]
    facts = metadata.facts(item, properties)
    told = tuple(facts.get("capabilities") or ())
    owned_by = item.get("owned_by")
    return Model(
        name=entry.display(identity),
        backend_id=identity,
        capabilities=told or _shown(facts.get("capabilities_seen") or ()),
        capabilities_known=bool(told),
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


def _shown(seen: Iterable[str]) -> tuple[str, ...]:
    """What a model of which not all is told is shown to do: complete, unless it embeds."""
    mentioned = tuple(dict.fromkeys(seen))
    if "embedding" in mentioned or "completion" in mentioned:
        return mentioned
    return ("completion", *mentioned)


def _identity(item: Mapping[str, Any]) -> str:
    identity = item.get("id")
    return identity if isinstance(identity, str) else ""


def _created(item: Mapping[str, Any]) -> int:
    """The time that the backend gives (seconds) as nanoseconds, 0 for none."""
    created = item.get("created")
    if isinstance(created, bool) or not isinstance(created, int | float):
        return 0
    return int(created) * SECOND if 0 < created < _YEAR_3000 else 0
