"""What this backend was seen to refuse or to lack, model by model.

Kept in the process and bounded; a restart forgets it and learns it again. Behind a gateway one
model may take a parameter, or have a route, that another does not.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import openai
import structlog

from ollama_facade.errors import BackendError
from ollama_facade.translate.dialects import Dialect
from ollama_facade.translate.failures import is_missing_route
from ollama_facade.translate.refusals import STATUSES, Refusal, find_refusals, without
from ollama_facade.translate.requests import BackendRequest

RELAYED = frozenset(("responses", "messages"))
"""Endpoints that not every backend has, and to which a client's body goes as it is."""

MAX_MODELS = 512
"""Pairs of endpoint and model that are kept; the least recently used is forgotten."""

MAX_REFUSALS = 64
"""Refusals that are kept of one model. Requests have fewer parameters; values may be more."""

_log = structlog.get_logger(__name__)

_Key = tuple[str, str]
"""Endpoint and model."""


class NoRouteError(BackendError):
    """The backend has no such route (for this model); nothing was generated."""

    def __init__(self) -> None:
        super().__init__(502, "no such path at the backend", kind="no_route")


class LearnedRefusals:
    """The parameters that one backend refuses."""

    def __init__(self) -> None:
        self._refused: OrderedDict[_Key, set[Refusal]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._refused)

    def apply(self, request: BackendRequest) -> BackendRequest:
        """Returns the request without what the model is known to refuse."""
        key = _key(request)
        if key not in self._refused:
            return request
        self._refused.move_to_end(key)
        return without(request, self._refused[key])

    def learn(self, request: BackendRequest, status: int, body: Any) -> BackendRequest | None:
        """Returns the request to send instead of one that was refused, None when there is none.

        That is when the error is no refusal of a parameter, or names none that can be left out. A
        parameter is taken away at most once, so that sending again comes to an end.
        """
        refusals = find_refusals(body, request) if status in STATUSES else ()
        if not refusals:
            return None
        key = _key(request)
        refused = self._refused.setdefault(key, set())
        self._refused.move_to_end(key)
        if len(refused) + len(refusals) > MAX_REFUSALS:
            refused.clear()
        refused.update(refusals)
        if len(self._refused) > MAX_MODELS:
            self._refused.popitem(last=False)
        changed = without(request, refused)
        if changed is request:
            return None
        parameters = sorted(
            name for name, value in request.body.items() if changed.body.get(name) != value
        )
        _log.warning("parameter refused by the backend", model=key[1][:200], parameters=parameters)
        return changed


class LearnedRoutes:
    """Which of `/v1/responses` and `/v1/messages` one backend has.

    The table of dialects says so until the backend says no.
    """

    def __init__(self) -> None:
        self._missing: OrderedDict[_Key, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._missing)

    def has(self, dialect: Dialect, endpoint: str, model: str) -> bool:
        """Whether a request is worth sending there."""
        key = (endpoint, model)
        if key in self._missing:
            self._missing.move_to_end(key)
            return False
        return dialect.responses if endpoint == "responses" else dialect.messages

    def learn(self, request: BackendRequest, error: openai.APIStatusError) -> None:
        """Raises NoRouteError, and remembers it, for an error that says so."""
        endpoint, model = key = _key(request)
        if endpoint not in RELAYED:
            return
        if not is_missing_route(error.status_code, error.body, endpoint, model):
            return
        self._missing[key] = None
        if len(self._missing) > MAX_MODELS:
            self._missing.popitem(last=False)
        _log.warning(
            "backend lacks a route",
            route=f"/v1/{endpoint}",
            model=model[:200],
            status=error.status_code,
        )
        raise NoRouteError from error


def _key(request: BackendRequest) -> _Key:
    return request.endpoint, request.model
