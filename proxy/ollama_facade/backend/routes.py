"""Which of the routes that not every backend has this one has: by the table, until it says no.

What was learned is kept in the process, bounded, model by model: behind a gateway one model may
have a route that another lacks.
"""

from __future__ import annotations

from collections import OrderedDict

import openai
import structlog

from ollama_facade.errors import BackendError
from ollama_facade.translate.dialects import Dialect
from ollama_facade.translate.missing import is_missing_route
from ollama_facade.translate.requests import BackendRequest

RELAYED = frozenset(("responses", "messages"))
"""Routes that not every backend has, and to which a client's body goes as it is."""

MODELS = 512
"""Pairs of route and model that are kept; that which was used longest ago is forgotten."""

_log = structlog.get_logger(__name__)


class NoRouteError(BackendError):
    """The backend has no such route (for this model); nothing was generated."""

    def __init__(self) -> None:
        super().__init__(502, "no such path at the backend", kind="no_route")


class Routes:
    """`/v1/responses` and `/v1/messages` of one backend."""

    def __init__(self) -> None:
        self._missing: OrderedDict[tuple[str, str], None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._missing)

    def has(self, row: Dialect, endpoint: str, model: str) -> bool:
        """Whether it is worth asking there."""
        key = (endpoint, model)
        if key in self._missing:
            self._missing.move_to_end(key)
            return False
        return row.responses if endpoint == "responses" else row.messages

    def learn(self, request: BackendRequest, error: openai.APIStatusError) -> None:
        """Raises NoRouteError, and remembers it, for an error that says so."""
        endpoint, model = request.endpoint, request.model
        if endpoint not in RELAYED:
            return
        if not is_missing_route(error.status_code, error.body, endpoint, model):
            return
        self._missing[endpoint, model] = None
        if len(self._missing) > MODELS:
            self._missing.popitem(last=False)
        _log.warning(
            "backend lacks a route",
            route=f"/v1/{endpoint}",
            model=model[:200],
            status=error.status_code,
        )
        raise NoRouteError from error
