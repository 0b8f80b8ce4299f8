"""Several processes on one port: each is this service whole, and shares nothing but the port.

The first process opens the sockets, a set for each of the others, among which the kernel deals out
connections, and keeps them: a worker that is replaced loses none that wait. Between it and each of
them is a line (a pair of sockets): a byte says that the worker listens, the end of the line that
the other side has gone. A worker that ends is replaced; one that does not start ends the service.
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

from ollama_facade.cli.sockets import beside
from ollama_facade.config.settings import Settings
from ollama_facade.errors import SettingsError

READY = b"."

Share: TypeAlias = "Sequence[socket.socket]"
"""The sockets of one worker."""


class Workers:
    """`count` processes that serve where the shared `sockets` listen.

    They find `environment` beside that of this process.
    `ended` is given the process of each worker that is replaced.
    """

    def __init__(
        self,
        count: int,
        sockets: Sequence[socket.socket],
        environment: Mapping[str, str],
        ended: Callable[[int], None] = lambda _process: None,
    ) -> None:
        self._ended = ended
        self._shares = [sockets]
        # Elsewhere the kernel does not deal connections out, and one socket has to do for all.
        balanced = sys.platform == "linux"
        self._shares += [beside(sockets) if balanced else sockets for _ in range(count - 1)]
        self._environment = {**os.environ, **environment}
        self._children: dict[socket.socket, tuple[subprocess.Popen[bytes], Share]] = {}

    def run(self, started: Callable[[], None]) -> None:
        """Serves until a signal ends this process; `started` is called when all of them listen.

        Raises SettingsError when one of them does not start.
        """
        try:
            for line in [self._start(share) for share in self._shares]:
                _await(line)
            started()
            while True:
                for line in select.select(list(self._children), [], [])[0]:
                    child, share = self._children.pop(line)
                    child.wait()
                    self._ended(child.pid)
                    line.close()
                    _await(self._start(share))
        finally:
            self._end()

    def _start(self, share: Share) -> socket.socket:
        ours, theirs = socket.socketpair()
        passed = [one.fileno() for one in (theirs, *share)]
        child = subprocess.Popen(  # noqa: S603 - this very program
            [
                sys.executable,
                "-m",
                "ollama_facade",
                "serve",
                "--worker",
                ",".join(map(str, passed)),
            ],
            pass_fds=passed,
            env=self._environment,
            # A second signal ends a worker at once, and a terminal's reaches a whole group: here
            # each signal is for the first process, which passes it on.
            start_new_session=True,
        )
        theirs.close()
        self._children[ours] = (child, share)
        return ours

    def _end(self) -> None:
        """Every worker drains at the same time; whoever is told twice is told nothing new."""
        for child, _ in self._children.values():
            child.send_signal(signal.SIGTERM)
        for line, (child, _) in self._children.items():
            child.wait()
            line.close()


@dataclass(frozen=True, slots=True)
class Counts:
    """Where the metrics of the workers add up: what they are to find in their environment."""

    environment: Mapping[str, str]
    forget: Callable[[int], None]


@contextmanager
def shared_counts(given: Settings) -> Iterator[Counts]:
    """A folder for the counts of the workers, while the block runs; none without metrics.

    Raises SettingsError where none can be made.
    """
    if not given.metrics:
        yield Counts({}, lambda _process: None)
        return
    # Imported here: one process alone has no need of it.
    from ollama_facade.server.metrics import SHARED, forget

    try:
        folder = tempfile.TemporaryDirectory(prefix="ollama-facade-")
    except OSError as error:
        text = f"FACADE_METRICS: with --workers they need a temporary folder: {error.strerror}"
        raise SettingsError(f"{text}; FACADE_METRICS=0 does without") from None
    with folder as path:
        yield Counts({SHARED: path}, lambda process: forget(process, path))


def _await(line: socket.socket) -> None:
    if line.recv(1) != READY:
        raise SettingsError("a worker did not start; its log says why")


def adopt(text: str) -> tuple[socket.socket, list[socket.socket]]:
    """The line and the sockets that a worker was started with: their descriptors, by commas."""
    line, *sockets = (socket.socket(fileno=int(number)) for number in text.split(","))
    return line, sockets


def report(line: socket.socket) -> None:
    """Says on the line that this worker listens, and ends it when the first process has gone."""
    line.send(READY)
    line.setblocking(False)
    asyncio.get_running_loop().add_reader(line, _gone, line)


def _gone(line: socket.socket) -> None:
    asyncio.get_running_loop().remove_reader(line)
    line.close()
    signal.raise_signal(signal.SIGTERM)
