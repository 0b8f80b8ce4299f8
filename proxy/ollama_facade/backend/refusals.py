"""What this backend was seen to refuse, model by model: asked without it ever after.

Kept in the process and bounded; a restart forgets it and learns it again.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import structlog

from ollama_facade.translate.refusals import STATUSES, Refusal, leave_out, refusals
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

    def apply(self, request: BackendRequest) -> None:
        """Leaves out what the model is known to refuse."""
        key = _key(request)
        if key in self._refused:
            self._refused.move_to_end(key)
            leave_out(request, self._refused[key])

    def learn(self, request: BackendRequest, status: int, body: Any) -> bool:
        """Changes `request` so that it may be asked again; False when it may not.

        That is when the error is no refusal of a parameter, or names none that can be left out. A
        parameter is taken away at most once, so that asking again comes to an end.
        """
        found = refusals(body, request) if status in STATUSES else ()
        if not found:
            return False
        key = _key(request)
        refused = self._refused.setdefault(key, set())
        self._refused.move_to_end(key)
        if len(refused) + len(found) > REFUSALS:
            refused.clear()
        refused.update(found)
        if len(self._refused) > MODELS:
            self._refused.popitem(last=False)
        changed = leave_out(request, refused)
        if changed:
            _log.warning(
                "parameter refused by the backend", model=key[1][:200], parameters=sorted(changed)
            )
        return bool(changed)


def _key(request: BackendRequest) -> _Key:
    return request.endpoint, str(request.arguments.get("model"))
