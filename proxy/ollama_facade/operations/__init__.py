"""One method for each operation of the OpenAPI document.

`handlers()` gives them by operationId; the server calls `await handler(body, context)`, or
`handler(context)` where there is no body. What they return is in `context.py`. The six routes that
generate text are in `generation.py` and run through `pipeline.py`: begin there.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from ollama_facade.operations.embedding import Embedding
from ollama_facade.operations.generation import Generation
from ollama_facade.operations.host import Host
from ollama_facade.operations.management import Management
from ollama_facade.operations.models import Models
from ollama_facade.operations.services import Services
from ollama_facade.operations.transcription import Transcription

__all__ = ["Handler", "Services", "collect", "handlers"]

Handler = Callable[..., Awaitable[Any]]

_GROUPS = (Generation, Embedding, Transcription, Models, Management, Host)


def handlers(services: Services) -> dict[str, Handler]:
    """The handler of every operation by its operationId."""
    return collect(group(services) for group in _GROUPS)


def collect(groups: Iterable[object]) -> dict[str, Handler]:
    """Every public coroutine method of the groups by its name."""
    return {
        name: method
        for group in groups
        for name, method in inspect.getmembers(group, inspect.iscoroutinefunction)
        if not name.startswith("_")
    }
