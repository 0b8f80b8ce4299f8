"""The models that `/api/ps` lists: those used within their keep-alive by this process.

Nothing is loaded here; the backend holds the weights. The list is for people and clients that look
at it, so it is kept in memory, bounded, and lost with the process (inference.md §14, management.md
§3.2).
"""

from __future__ import annotations

from dataclasses import dataclass

from ollama_facade.clock import Clock
from ollama_facade.config.settings import Settings
from ollama_facade.translate.models import Model

FOREVER = 2**63 - 1
"""Go's longest duration, about 292 years: how Ollama shows a model that never expires."""

MAX_MODELS = 256
"""How many models are remembered; the one that would expire first makes room."""


@dataclass(slots=True)
class Entry:
    """One model in use. `expires_at` is wall time in nanoseconds, `deadline` monotonic time."""

    model: Model
    keep_alive: int
    context_length: int
    deadline: int
    expires_at: int


class Loaded:
    """The models in use, by name."""

    def __init__(self, clock: Clock, settings: Settings) -> None:
        self._clock = clock
        self._settings = settings
        self._entries: dict[str, Entry] = {}
        self._first_deadline = 0

    def load(
        self, model: Model, keep_alive: int | None = None, context_length: int | None = None
    ) -> None:
        """Notes a use of the model; the time runs from now on, so call it when a request ends.

        `keep_alive` is nanoseconds: negative for ever, 0 unloads at once, None leaves what an
        earlier request asked for and otherwise takes the default (inference.md §14.1).
        `context_length` is what the request had the backend use, if it could.
        """
        now = self._clock.monotonic()
        self._forget_expired(now)
        key = _key(model)
        entry = self._entries.get(key)
        if keep_alive is None:
            keep_alive = entry.keep_alive if entry else self._settings.keep_alive
        if keep_alive == 0:
            self.unload(model)
            return
        if keep_alive < 0 or keep_alive > FOREVER:
            keep_alive = FOREVER
        if context_length is None:
            context_length = entry.context_length if entry else self._context_length(model)
        if entry is None and len(self._entries) >= MAX_MODELS:
            first = min(self._entries, key=lambda key: self._entries[key].deadline)
            del self._entries[first]
        deadline = now + keep_alive
        self._first_deadline = min(self._first_deadline or deadline, deadline)
        self._entries[key] = Entry(
            model, keep_alive, context_length, deadline, self._clock.wall() + keep_alive
        )

    def unload(self, model: Model) -> None:
        """Forgets the model, whether or not it was there (inference.md §14.3)."""
        self._entries.pop(_key(model), None)

    def entries(self) -> list[Entry]:
        """What has not expired, latest expiry first (management.md §3.2)."""
        self._forget_expired(self._clock.monotonic())
        return sorted(self._entries.values(), key=lambda entry: entry.expires_at, reverse=True)

    def _context_length(self, model: Model) -> int:
        return model.context_length or self._settings.context_length

    def _forget_expired(self, now: int) -> None:
        if now < self._first_deadline:
            return  # one entry may have been renewed since, but none expires before that
        self._entries = {key: entry for key, entry in self._entries.items() if entry.deadline > now}
        deadlines = [entry.deadline for entry in self._entries.values()]
        self._first_deadline = min(deadlines, default=0)


def _key(model: Model) -> str:
    return model.name.casefold()
