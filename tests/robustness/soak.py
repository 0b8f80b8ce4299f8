"""Streams through a network that breaks, and what becomes of each: `make soak`.

    python -m tests.robustness.soak --seconds 600 --streams 1000

Between the service and its backend stands a proxy that delays, slices, cuts and resets connections
by chance. Every stream counts its frames, so that the client sees whether what it got is all, says
that it is not, or pretends. Nothing may be lost, doubled, or called complete when it is not.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.robustness.bench import CHAT
from tests.service import Service, wait_until
from tests.upstream import Asked, Step, Upstream, done, finish, opened, pause, say, usage

FRAMES = 40
BAD = ("lost", "doubled", "cut but done", "no end")


@dataclass
class Report:
    """How the streams ended, and what the service took."""

    ends: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    memory: tuple[int, int] = (0, 0)
    descriptors: tuple[int, int] = (0, 0)

    @property
    def bad(self) -> int:
        """Streams that ended as none may."""
        return sum(self.ends[kind] for kind in BAD)

    def lines(self) -> list[str]:
        ends = ", ".join(f"{kind}: {self.ends[kind]}" for kind in ("whole", "told", *BAD))
        faults = ", ".join(f"{kind}: {count}" for kind, count in sorted(self.faults.items()))
        return [
            f"{sum(self.ends.values())} streams in {self.seconds:.0f} s; {ends}",
            f"connections to the backend by fault; {faults}",
            f"memory {self.memory[0]} MiB, then {self.memory[1]} MiB; "
            f"descriptors {self.descriptors[0]}, then {self.descriptors[1]}",
        ]


class Toxic:
    """A TCP proxy; `chance` is that of a fault for a connection."""

    def __init__(self, port: int, chance: float, report: Report, seed: int) -> None:
        self._port, self._chance, self._report = port, chance, report
        self._random = random.Random(seed)
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def start(self) -> asyncio.Server:
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0, backlog=2048)
        self.port = server.sockets[0].getsockname()[1]
        return server

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._accept(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Ends what is still connected."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        fault = "none"
        if self._random.random() < self._chance:
            fault = self._random.choice(("delay", "slice", "cut", "reset"))
        self._report.faults[fault] += 1
        budget = self._random.randint(1, FRAMES * 220) if fault in ("cut", "reset") else 1 << 40
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            writer.close()
            return
        up = asyncio.create_task(self._pass(reader, back))
        try:
            await self._give(there, writer, fault, budget)
        finally:
            up.cancel()
            back.close()
            if fault == "reset":
                writer.transport.abort()
            writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def _give(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, fault: str, budget: int
    ) -> None:
        with suppress(ConnectionError):
            while budget > 0 and (data := await reader.read(65536)):
                data, budget = data[:budget], budget - len(data)
                step = self._random.randint(1, 50) if fault == "slice" else len(data)
                for start in range(0, len(data), step):
                    writer.write(data[start : start + step])
                    await writer.drain()
                    if fault in ("slice", "delay"):
                        await asyncio.sleep(0 if fault == "slice" else 0.02)


def counting(_: Asked) -> list[Step]:
    """A stream whose frames are numbered."""
    # Each stream has a connection, and perhaps a fault, of its own.
    steps: list[Step] = [opened(headers={"Connection": "close"})]
    for number in range(FRAMES):
        steps.append(say(f"{number} "))
        if number % 10 == 9:
            steps.append(pause(0.02))
    return [*steps, finish(), usage(1, FRAMES), done()]


async def ask(port: int) -> str:
    """One stream; how it ended."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    data = json.dumps(CHAT).encode()
    head = f"POST /api/chat HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(data)}\r\n"
    writer.write(head.encode() + b"Connection: close\r\n\r\n" + data)
    try:
        came = await reader.read()
        while more := await reader.read():
            came += more
    except ConnectionError:
        return "no end"
    finally:
        writer.close()
    return judged(came)


def judged(came: bytes) -> str:
    """What an answer, with its head and chunks, amounts to."""
    head, _, rest = came.partition(b"\r\n\r\n")
    if b"chunked" not in head:
        return "told" if b'{"error":' in rest else "no end"
    if not rest.endswith(b"0\r\n\r\n"):
        return "no end"
    body = b""
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        body, rest = body + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    lines = [json.loads(line) for line in body.splitlines()]
    words = "".join(line["message"]["content"] for line in lines if "message" in line).split()
    numbers = [int(word) for word in words]
    if len(set(numbers)) < len(numbers):
        return "doubled"
    if numbers != list(range(len(numbers))):
        return "lost"
    if "error" in lines[-1]:
        return "told"
    if not lines[-1].get("done"):
        return "no end"
    return "whole" if len(numbers) == FRAMES else "cut but done"


def state(process: int) -> tuple[int, int]:
    """Memory in MiB and open descriptors."""
    status = Path(f"/proc/{process}/status").read_text().split("VmRSS:")[1].split()[0]
    return int(status) // 1024, len(list(Path(f"/proc/{process}/fd").iterdir()))


async def churn(service_port: int, streams: int, end: float, report: Report) -> None:
    """Keeps so many streams running until the time is over."""

    async def one() -> None:
        while True:
            report.ends[await ask(service_port)] += 1
            if time.monotonic() > end:
                return

    await asyncio.gather(*(one() for _ in range(streams)))


def soak(seconds: float, streams: int, chance: float = 0.3, seed: int = 1) -> Report:
    """Runs it all and reports."""
    report = Report()

    async def run(upstream: Upstream) -> None:
        toxic = Toxic(upstream.port, chance, report, seed)
        async with await toxic.start():
            settings = {
                "OPENAI_BASE_URL": f"http://127.0.0.1:{toxic.port}/v1",
                "OLLAMA_MAX_QUEUE": str(streams + 8),
                "FACADE_LOG_LEVEL": "error",
                "FACADE_MODELS_TTL": "3600",
            }
            service = await asyncio.to_thread(Service(settings).__enter__)
            try:
                assert service.process is not None
                # The list of models has to come once; after that it is kept.
                await asyncio.to_thread(
                    wait_until, lambda: service.ask("GET", "/api/tags").status == 200, 30
                )
                await churn(service.port, streams, 0, Report())
                before = state(service.process.pid)
                began = time.monotonic()
                await churn(service.port, streams, began + seconds, report)
                report.seconds = time.monotonic() - began
                after = state(service.process.pid)
                report.memory = before[0], after[0]
                report.descriptors = before[1], after[1]
            finally:
                await asyncio.to_thread(service.__exit__)
                await toxic.stop()

    with Upstream() as upstream:
        upstream.script(counting)
        asyncio.run(run(upstream))
    return report


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--chance", type=float, default=0.3)
    parser.add_argument("--seed", type=int, default=1)
    report = soak(**vars(parser.parse_args()))
    sys.stdout.write("\n".join(report.lines()) + "\n")
    sys.exit(1 if report.bad else 0)


if __name__ == "__main__":
    main()
