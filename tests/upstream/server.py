"""The thread of the scripted server: it accepts, chooses a scenario, and watches for hang-ups."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Self

from tests.upstream.connection import (
    Asked,
    Connection,
    HangupError,
    Scenario,
    Step,
    play,
    read_request,
)

OVER = (HangupError, ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)
GENERATING = ("/v1/chat/completions", "/v1/completions", "/v1/embeddings")


class Upstream:
    """The server. Usable as a context manager; `base_url` is what a client needs."""

    def __init__(
        self, models: Sequence[Mapping[str, Any]] | None = None, port: int = 0, prefix: str = ""
    ) -> None:
        from tests.upstream import answers

        self.models = list(answers.MODELS if models is None else models)
        self.requested: list[Asked] = []
        self.port, self.prefix = port, prefix
        self._scenarios: dict[str, list[Scenario]] = {}
        self._counts: dict[str, int] = {}
        self._renewed = time.monotonic()
        self._next = asyncio.Event()
        self._lock = threading.Lock()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.turns([{}])

    @property
    def base_url(self) -> str:
        """For OPENAI_BASE_URL."""
        return f"http://127.0.0.1:{self.port}{self.prefix}/v1"

    def script(self, *scenarios: Scenario, path: str = "") -> None:
        """The n-th generation (or request for `path`) gets the n-th scenario, the last repeats.

        Forgets what was asked before, and ends the waits of turns that still run.
        """
        with self._lock:
            self._scenarios[path], self._counts[path] = list(scenarios), 0
            self.requested = []
            self._renewed = time.monotonic()
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._renew)

    def turns(self, turns: Sequence[Mapping[str, Any]]) -> None:
        """Like `script`, in the words of `turns.py`."""
        from tests.upstream.turns import spoken

        self.script(*(spoken(turn) for turn in turns))

    def forget(self, path: str) -> None:
        """Takes the scenarios of one path away."""
        with self._lock:
            self._scenarios.pop(path, None)

    def generations(self) -> list[Asked]:
        """What was asked of the generating routes since the last script."""
        with self._lock:
            return [one for one in self.requested if one.path in GENERATING]

    def wait_for_request(self, seconds: float = 60.0, count: int = 1) -> Asked:
        """The `count`-th generation asked for; raises TimeoutError when it does not come."""
        for _ in range(int(seconds / 0.005) + 1):
            if len(found := self.generations()) >= count:
                return found[count - 1]
            time.sleep(0.005)
        raise TimeoutError(f"fewer than {count} generations were asked for")

    def wait_for_hang_up(self, seconds: float = 60.0) -> float:
        """How long after its arrival the last generation was left; TimeoutError if it was not."""
        requested = self.wait_for_request(seconds)
        if not requested.over.wait(seconds) or requested.left is None:
            raise TimeoutError("the client did not hang up")
        return requested.left - requested.arrived

    async def until_next_script(self, seconds: float, arrived: float) -> None:
        """Waits, but not beyond the first script that is newer than a request's arrival."""
        if self._renewed > arrived:
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._next.wait(), seconds)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("the scripted server did not start")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def _renew(self) -> None:
        self._next.set()
        self._next = asyncio.Event()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        tasks: set[asyncio.Task[None]] = set()

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = self._loop.create_task(self._converse(reader, writer))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        server = await asyncio.start_server(
            connected, "127.0.0.1", self.port, limit=2**20, backlog=1024
        )
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Requests on one connection until one side closes it."""
        ahead = b""
        try:
            while (requested := await read_request(reader, ahead)) is not None:
                connection = Connection(self, requested, reader, writer)
                ahead = await self._answer(connection)
                if not connection.keep:
                    break
        except (
            HangupError,
            ConnectionError,
            asyncio.IncompleteReadError,
            asyncio.LimitOverrunError,
        ):
            pass
        finally:
            writer.close()

    async def _answer(self, connection: Connection) -> bytes:
        """Plays the scenario while it watches for the client's hang-up; gives bytes read ahead."""
        from tests.upstream import answers

        requested = connection.requested
        requested.path = requested.path.removeprefix(self.prefix)
        steps = answers.control(self, requested) or self._choose(requested)
        if steps is None:
            steps = answers.standing(self, requested)
        playing = self._loop.create_task(play(steps, connection))
        watch = self._loop.create_task(connection.reader.read(1))
        try:
            await asyncio.wait({playing, watch}, return_when=asyncio.FIRST_COMPLETED)
            if watch.done() and not watch.result():
                requested.left = time.monotonic()
                raise HangupError
            await playing
            return watch.result() if watch.done() else b""
        except ConnectionError:
            requested.left = time.monotonic()
            raise
        finally:
            requested.over.set()
            for task in (playing, watch):
                task.cancel()
            await asyncio.gather(playing, watch, return_exceptions=True)

    def _choose(self, requested: Asked) -> Sequence[Step] | None:
        with self._lock:
            self.requested.append(requested)
            key = requested.path if requested.path in self._scenarios else ""
            if key == "" and (requested.path not in GENERATING or requested.method != "POST"):
                return None
            scenarios, number = self._scenarios[key], self._counts[key]
            self._counts[key] += 1
        chosen = scenarios[min(number, len(scenarios) - 1)]
        return chosen(requested) if callable(chosen) else chosen
