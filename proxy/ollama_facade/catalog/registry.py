"""The models of the backend and of the operator's folder, and the three calls that change them.

An entry of the folder hides the backend's model of its name until it is deleted. Without a folder
nothing is read or written.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import structlog

from ollama_facade import names
from ollama_facade.catalog import checks, entry, manifest
from ollama_facade.catalog.index import Index
from ollama_facade.catalog.store import SETTING, Folder, Snapshot
from ollama_facade.catalog.upstream import Listing, ModelCache, Source
from ollama_facade.clock import Clock
from ollama_facade.config.settings import Settings
from ollama_facade.errors import BackendError, OllamaError
from ollama_facade.golang.encode import quote
from ollama_facade.translate.models import Model

_log = structlog.get_logger(__name__)


class Catalog:
    """The models of the backend, with the aliases and presets of the folder."""

    def __init__(self, settings: Settings, source: Source, clock: Clock) -> None:
        self._cache = ModelCache(source, settings.models_ttl, clock)
        self._folder = Folder(settings.models, clock) if settings.models else None
        self._index = Index((), {}, {})
        self._versions: tuple[int, int] = (-1, -1)
        self._reported: tuple[tuple[str, str], ...] = ()

    async def models(self) -> list[Model]:
        """Lists every model, newest first by seconds, as tags does (management.md §3.1).

        Raises BackendError when the backend fails and no model is known.
        """
        index, failure = await self._current()
        if failure is not None and not index.models:
            raise failure
        return list(index.models)

    async def find(self, name: str, *, exact_case: bool = False) -> Model | None:
        """Finds a model by its name in any case, with or without ``:latest``, or by a backend's id.

        None when there is none; with `exact_case` also when only the case differs. Raises
        BackendError when the backend fails and the model is not known.
        """
        return (await self._find(name, exact_case=exact_case))[1]

    async def failure(self) -> BackendError | None:
        """Returns why the backend gives no list of models now, or None; checked every few seconds.

        An older list that requests are still served from does not count here.
        """
        return await self._cache.failure()

    async def preload(self) -> None:
        """Reads the folder, so that the log names its bad files at start-up."""
        await self._snapshot()

    async def create(self, body: Mapping[str, Any]) -> AsyncIterator[dict[str, Any]]:
        """Creates the model that `body` (a CreateRequest with `from`) describes.

        Yields ``{"status": …}`` (management.md §3.10); the entry exists before the first one.
        Raises OllamaError: 400 for an invalid request, 403 without a writable folder, 501 for
        what needs weights, 500 when there is no model `from`.
        """
        folder = self._writable()
        name = names.parse(entry.name_of(body))
        if name is None:
            raise OllamaError(400, "invalid model name")
        index, base = await self._find(body.get("from") or "")
        if base is None:
            raise OllamaError(500, "pull model manifest: file does not exist")
        checks.check_request(body)
        inherited = index.preset(base)
        preset = entry.overlay({"from": base.backend_id, **inherited}, body)
        spelled = index.spelled(name)
        written = entry.complete(preset, spelled.display(), base.backend_id, base.name)
        # Before the first frame, so that an error of the folder can set the status.
        await asyncio.to_thread(folder.put, spelled, written)
        for frame in manifest.layer_frames(inherited, preset, base.backend_id):
            yield frame
        yield {"status": "writing manifest"}
        yield {"status": "success"}

    async def copy(self, source: str, destination: str) -> None:
        """Copies `source` to `destination`, with the same digest (management.md §3.11).

        Copying a name onto itself does nothing, whether the model exists or not. Raises
        OllamaError: 400 for an invalid name, 404 without `source`, 403 without a writable folder.
        """
        name = names.parse(destination)
        if name is None:
            raise OllamaError(400, "invalid model name")
        if entry.key(source) == name.key():
            return
        index, model = await self._find(source)
        if model is None:
            raise OllamaError(404, f"model {quote(source)} not found")
        folder = self._writable()
        spelled = index.spelled(name)
        written = entry.complete(
            index.preset(model), spelled.display(), model.backend_id, model.parent_model
        )
        await asyncio.to_thread(folder.put, spelled, written)

    async def delete(self, name: str) -> None:
        """Removes the entry of that name; the backend's model of that name becomes visible.

        Raises OllamaError: 404 when there is no such model, 400 when only the backend has it, 403
        when the folder is not writable.
        """
        model = await self.find(name)
        if model is None:
            raise OllamaError(404, f"model '{name}' not found")
        if self._folder is not None and model.from_catalog:
            await asyncio.to_thread(self._folder.remove, entry.key(model.name))
            return
        text = f"model '{name}' belongs to the backend and cannot be deleted"
        if self._folder is None:
            text += f"; without {SETTING} there is nothing that can be"
        raise OllamaError(400, text)

    def _writable(self) -> Folder:
        if self._folder is None:
            raise OllamaError(
                403, f"models cannot be created or copied: {SETTING} is not set to a folder"
            )
        return self._folder

    async def _find(self, name: str, *, exact_case: bool = False) -> tuple[Index, Model | None]:
        """Finds a model and the index that it belongs to."""
        index, failure = await self._current()
        model = index.find(name, exact_case=exact_case)
        if model is None and failure is not None:
            raise failure
        return index, model

    async def _current(self) -> tuple[Index, BackendError | None]:
        """Returns the current index, and the failure when the backend's models are missing."""
        listing, failure = Listing(), None
        try:
            listing = await self._cache.listing()
        except BackendError as error:
            failure = error
        snapshot = await self._snapshot()
        versions = (listing.version, snapshot.version)
        if versions != self._versions:
            self._index = Index(listing.models, snapshot.entries, snapshot.presets)
            self._versions = versions
        return self._index, failure

    async def _snapshot(self) -> Snapshot:
        if self._folder is None:
            return Snapshot()
        snapshot = self._folder.current()
        if snapshot is None:
            snapshot = await asyncio.to_thread(self._folder.read)
        if snapshot.problems != self._reported:
            for file, text in snapshot.problems:
                if (file, text) not in self._reported:
                    _log.warning("a file of the catalog is not used", file=file, reason=text)
            self._reported = snapshot.problems
        return snapshot
