"""What this backend was seen to refuse, model by model: asked without it ever after.

Kept in the process and bounded; a restart forgets it and learns it again.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import structlog

from ollama_facade.translate.refusals import STATUSES, Refusal, refusals, without
from ollama_facade.translate.requests import BackendRequest

MODELS = 512
"""Models of which refusals are kept; that which was used longest ago is forgotten."""

REFUSALS = 64
"""Refusals that are kept of one model. Requests have fewer parameters; values may be more."""

_log = structlog.get_logger(__name__)

_Key = tuple[str, str]


class LearnedRefusals:
    """The refusals of one backend by endpoint and model."""

    def __init__(self) -> None:
        self._refused: OrderedDict[_Key, set[Refusal]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._refused)

    def apply(self, request: BackendRequest) -> BackendRequest:
        """The request without what the model is known to refuse."""
        key = _key(request)
        if key not in self._refused:
            return request
        self._refused.move_to_end(key)
        return without(request, self._refused[key])

    def learn(self, request: BackendRequest, status: int, body: Any) -> BackendRequest | None:
        """The request to send instead of one that was refused, None when there is none.

        That is when the error is no refusal of a parameter, or names none that can be left out. A
        parameter is taken away at most once, so that sending again comes to an end.
        """
        refusal = refusals(body, request) if status in STATUSES else ()
        if not refusal:
            return None
        key = _key(request)
        refused = self._refused.setdefault(key, set())
        self._refused.move_to_end(key)
        if len(refused) + len(refusal) > REFUSALS:
            refused.clear()
        refused.update(refusal)
        if len(self._refused) > MODELS:
            self._refused.popitem(last=False)
        changed = without(request, refused)
        if changed is request:
            return None
        parameters = sorted(
            name for name, value in request.body.items() if changed.body.get(name) != value
        )
        _log.warning("parameter refused by the backend", model=key[1][:200], parameters=parameters)
        return changed


def _key(request: BackendRequest) -> _Key:
    return request.endpoint, request.model
