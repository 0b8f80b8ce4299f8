"""All models that there are, and the three calls that change them (design.md §5).

The backend's list and the operator's folder together; an entry covers the backend's model of its
name and uncovers it when it goes. Without a folder nothing is read or written.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import structlog

from ollama_facade import names
from ollama_facade.catalog import checks, entry, layers
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
    """Names, aliases and presets over what the backend serves."""

    def __init__(self, settings: Settings, source: Source, clock: Clock) -> None:
        self._live = ModelCache(source, settings.models_ttl, clock)
        self._folder = Folder(settings.models, clock) if settings.models else None
        self._index = Index((), {}, {})
        self._versions: tuple[int, int] = (-1, -1)
        self._reported: tuple[tuple[str, str], ...] = ()

    async def models(self) -> list[Model]:
        """Every model, newest first by whole seconds, as tags lists them (management.md §3.1).

        Raises BackendError when nothing is known and the backend fails.
        """
        index, failure = await self._known()
        if failure is not None and not index.models:
            raise failure
        return list(index.models)

    async def find(self, name: str, *, exact_case: bool = False) -> Model | None:
        """The model of that name: with or without ``:latest``, in any case, or a backend's id.

        None when there is none; with `exact_case` also when it is there in another case. Raises
        BackendError when the backend fails and nobody knows whether it has that model.
        """
        return (await self._found(name, exact_case=exact_case))[1]

    async def failure(self) -> BackendError | None:
        """Why the backend gives no list of models now, None when it does; asked every few seconds.

        An older list that requests are still served from does not count here.
        """
        return await self._live.failure()

    async def look(self) -> None:
        """Reads the folder now, so that the log names its bad files at the start already."""
        await self._shelf()

    def problems(self) -> list[tuple[str, str]]:
        """What is wrong with the files of the folder: file name and text. Reads the folder."""
        return list(self._folder.read().problems) if self._folder else []

    async def create(self, body: Mapping[str, Any]) -> AsyncIterator[dict[str, Any]]:
        """Makes the model that `body` (a CreateRequest with `from`) describes; tells how it goes.

        Yields ``{"status": …}`` (management.md §3.10); the entry is there when ``success`` comes.
        Raises OllamaError: 400 for a request that is wrong, 403 without a writable folder, 501 for
        what needs weights, 500 when `from` is not there.
        """
        folder = self._writable()
        name = names.parse(entry.name_of(body))
        if name is None:
            raise OllamaError(400, "invalid model name")
        index, base = await self._found(body.get("from") or "")
        if base is None:
            raise OllamaError(500, "pull model manifest: file does not exist")
        _check(body)
        below = index.preset(base)
        preset = entry.overlay({"from": base.backend_id, **below}, body)
        spelled = index.spelled(name)
        written = entry.complete(preset, spelled.display(), base.backend_id, base.name)
        # Before the first frame, so that a folder that cannot be written is a status of its own.
        await asyncio.to_thread(folder.put, spelled, written)
        for frame in layers.frames(below, preset, base.backend_id):
            yield frame
        yield {"status": "writing manifest"}
        yield {"status": "success"}

    async def copy(self, source: str, destination: str) -> None:
        """Makes `destination` another name of `source`, with its digest (management.md §3.11).

        Onto itself nothing happens, whether it is there or not. Raises OllamaError: 400 for an
        invalid name, 404 when there is no `source`, 403 without a writable folder.
        """
        name = names.parse(destination)
        if name is None:
            raise OllamaError(400, "invalid model name")
        if entry.key(source) == tuple(name.key()):
            return
        index, model = await self._found(source)
        if model is None:
            raise OllamaError(404, f"model {quote(source)} not found")
        folder = self._writable()
        spelled = index.spelled(name)
        written = entry.complete(
            index.preset(model), spelled.display(), model.backend_id, model.parent_model
        )
        await asyncio.to_thread(folder.put, spelled, written)

    async def delete(self, name: str) -> None:
        """Removes the entry of that name; the backend's model of that name is seen again.

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

    async def _found(self, name: str, *, exact_case: bool = False) -> tuple[Index, Model | None]:
        """The model and the index that it is of."""
        index, failure = await self._known()
        found = index.find(name, exact_case=exact_case)
        if found is None and failure is not None:
            raise failure
        return index, found

    async def _known(self) -> tuple[Index, BackendError | None]:
        """The index of now; with the failure when the backend's part of it is missing."""
        listing, failure = Listing(), None
        try:
            listing = await self._live.listing()
        except BackendError as error:
            failure = error
        shelf = await self._shelf()
        versions = (listing.version, shelf.version)
        if versions != self._versions:
            self._index = Index(listing.models, shelf.entries, shelf.presets)
            self._versions = versions
        return self._index, failure

    async def _shelf(self) -> Snapshot:
        if self._folder is None:
            return Snapshot()
        shelf = self._folder.current()
        if shelf is None:
            shelf = await asyncio.to_thread(self._folder.read)
        if shelf.problems != self._reported:
            for file, text in shelf.problems:
                if (file, text) not in self._reported:
                    _log.warning("a file of the catalog is not used", file=file, reason=text)
            self._reported = shelf.problems
        return shelf


def _check(body: Mapping[str, Any]) -> None:
    """In Ollama's order, after `from` (create.go:192-334)."""
    checks.check_weights(body)
    checks.check_info(body.get("info"))
    checks.check_template(body.get("template"))
    checks.check_license(body.get("license"))
