"""Methods of Ollama's own Python clients, called alike at once and in a loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, TypeAlias

from ollama_contract.checking import demand
from ollama_contract.exchange import Clients

Call: TypeAlias = Callable[..., Any]
"""`call("chat", model=…)`: a method of the client; what it streams comes as a list."""


def at_once(clients: Clients) -> Call:
    """Calls of the synchronous client; what it raises is a finding."""

    def call(method: str, *given: Any, **named: Any) -> Any:
        return tried(lambda: whole(clients, method, *given, **named))

    return call


def whole(clients: Clients, method: str, *given: Any, **named: Any) -> Any:
    """One call of the synchronous client; raises what it raises."""
    answer = getattr(clients.sync, method)(*given, **named)
    return list(answer) if isinstance(answer, Iterator) else answer


def in_a_loop(clients: Clients) -> Call:
    """Calls of the asynchronous client; what it raises is a finding."""

    def call(method: str, *given: Any, **named: Any) -> Any:
        return tried(lambda: awaited(clients, method, *given, **named))

    return call


def awaited(clients: Clients, method: str, *given: Any, **named: Any) -> Any:
    """One call of the asynchronous client; raises what it raises."""

    async def waiting() -> Any:
        client = clients.new_async()
        try:
            answer = await getattr(client, method)(*given, **named)
            if isinstance(answer, AsyncIterator):
                return [part async for part in answer]
            return answer
        finally:
            await client._client.aclose()

    work: Coroutine[Any, Any, Any] = waiting()
    return asyncio.run(work)


def tried(work: Callable[[], Any]) -> Any:
    """The result; what the client raises is a finding."""
    try:
        return work()
    except Exception as error:  # noqa: BLE001 - any error of the client is the finding
        return demand(
            False, "an answer that the official client takes", f"{type(error).__name__}: {error}"
        )
