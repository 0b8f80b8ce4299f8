"""The watched service with bugs in it, for requests that ask for them (faults.md row 89).

python -m tests.robustness.buggy serve …

They ask for it with `bug PLACE` as the last message, or with `bug.localhost` as their Host.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

PLACES = ("first", "later", "last")


def fall(request: Any, place: str) -> None:
    """Raises what nobody catches, where the request asks for it."""
    if str(request.body["messages"][-1]["content"]).startswith(f"bug {place}"):
        raise ZeroDivisionError("planted")


def plant() -> None:
    """Bugs before the first frame, between two, after the last, and before anything was read."""
    from ollama_facade.backend.client import Response
    from ollama_facade.server.hosts import HostPolicy

    kind = HostPolicy.kind
    value = Response.value

    def streaming(method: Any) -> Any:
        async def buggy(self: Any, *arguments: Any) -> AsyncIterator[Any]:
            fall(self.request, "first")
            async with aclosing(method(self, *arguments)) as batches:
                async for batch in batches:
                    yield batch
                    fall(self.request, "later")
            fall(self.request, "last")

        return buggy

    async def buggy_value(self: Any) -> Any:
        fall(self.request, "first")
        return await value(self)

    def buggy_kind(self: Any, header: str) -> Any:
        if header == "bug.localhost":
            raise ZeroDivisionError("planted")
        return kind(self, header)

    patched: Any = Response
    patched.deltas, patched.events = streaming(Response.deltas), streaming(Response.events)
    patched.value = buggy_value
    HostPolicy.kind = buggy_kind  # type: ignore[method-assign]


if __name__ == "__main__":
    from tests.watched import main

    plant()
    main()
