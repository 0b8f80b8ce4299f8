"""A service over a scripted backend with `/v1/responses` and `/v1/messages`, or without them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.service import Service
from tests.upstream import Asked, Upstream
from tests.upstream.foreign import PATHS, foreign

PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5Erk"
    "Jggg=="
)


@dataclass
class Stage:
    """`relays`: the backend has the routes."""

    service: Service
    upstream: Upstream
    relays: bool

    def turns(self, *turns: Mapping[str, Any]) -> None:
        """What the backend says next, whatever route is asked; the last turn repeats."""
        self.upstream.turns(turns)
        if self.relays:
            for path in PATHS:
                self.upstream.script(*map(foreign, turns), path=path)

    def requested(self) -> list[Asked]:
        """What was asked of the routes that answered, in order."""
        paths = PATHS if self.relays else ("/v1/chat/completions",)
        return [one for one in self.upstream.requested if one.path in paths]
