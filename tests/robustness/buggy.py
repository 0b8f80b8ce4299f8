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
    asked = {**request.arguments, **request.extra_body}
    if str(asked["messages"][-1]["content"]).startswith(f"bug {place}"):
        raise ZeroDivisionError("planted")


def plant() -> None:
    """Bugs before the first frame, between two, after the last, and before anything was read."""
    from ollama_facade.backend.client import Backend
    from ollama_facade.server.hosts import HostPolicy

    verdict = HostPolicy.verdict

    def streaming(method: Any) -> Any:
        async def buggy(self: Any, request: Any, *more: Any) -> AsyncIterator[Any]:
            fall(request, "first")
            async with aclosing(method(self, request, *more)) as batches:
                async for told in batches:
                    yield told
                    fall(request, "later")
            fall(request, "last")

        return buggy

    def whole(method: Any) -> Any:
        async def buggy(self: Any, request: Any) -> Any:
            fall(request, "first")
            return await method(self, request)

        return buggy

    def buggy_verdict(self: Any, header: str) -> Any:
        if header == "bug.localhost":
            raise ZeroDivisionError("planted")
        return verdict(self, header)

    patched: Any = Backend
    patched.stream, patched.events = streaming(Backend.stream), streaming(Backend.events)
    patched.value = whole(Backend.value)
    HostPolicy.verdict = buggy_verdict  # type: ignore[method-assign]


if __name__ == "__main__":
    from tests.watched import main

    plant()
    main()
