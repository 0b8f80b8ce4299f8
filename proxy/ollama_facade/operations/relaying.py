"""A request of another dialect on a backend that speaks it: through, with the model's name changed.

A model with presets is not relayed but translated: what Ollama adds for it (a system text, turns,
options of which most have no word in these dialects) the translation knows how to say.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from ollama_facade.backend.client import Backend
from ollama_facade.backend.routes import NoRouteError
from ollama_facade.errors import BackendError
from ollama_facade.operations.context import RequestContext
from ollama_facade.operations.pipeline import prepared
from ollama_facade.translate.apis.pass_through import Passage, has_presets
from ollama_facade.translate.models import Model

Batches = AsyncGenerator[list[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Relay:
    """One request; `done` is called when its answer has ended, however that was."""

    backend: Backend
    passage: Passage
    model: Model
    call: RequestContext
    done: Callable[[], None]

    @property
    def is_possible(self) -> bool:
        """Whether the backend is to be asked in the client's own words."""
        asked = self.passage.endpoint, self.model.backend_id
        return not has_presets(self.model) and self.backend.has(*asked)

    async def events(self, instead: Callable[[], Batches]) -> Batches:
        """The backend's events, or others `instead` where it turns out to lack the route.

        Raises BackendError also when they stop before the last one.
        """
        finished = False
        request = prepared(self.passage.request(self.model), self.call)
        try:
            async with aclosing(self.backend.events(request, self.passage.read_event)) as batches:
                async for told in batches:
                    finished = finished or any(event.finish for event in told)
                    prepared(request, self.call)
                    for event in told:
                        self.call.count(event.value)
                    yield [event.value for event in told]
        except NoRouteError:
            async with aclosing(instead()) as others:
                async for values in others:
                    yield values
            return
        except BackendError:
            # Whatever breaks after the last event took nothing away.
            if not finished:
                raise
        finally:
            prepared(request, self.call)
            self.done()
        if not finished:
            raise BackendError(502, "backend stream ended before it finished", kind="truncated")

    async def whole(self) -> dict[str, Any]:
        """The backend's answer. Raises NoRouteError where it lacks the route."""
        request = prepared(self.passage.request(self.model), self.call)
        try:
            value = await self.backend.value(request)
            self.call.count(value)
            return self.passage.whole(value)
        finally:
            prepared(request, self.call)
            self.done()
