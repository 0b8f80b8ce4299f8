"""Runs several processes on one port; each is a complete service, and they share only the port.

The first process opens the sockets, a set for each worker, among which the kernel distributes
connections, and keeps them open: waiting connections survive the replacement of a worker. A line (a
socket pair) connects it with each worker: a byte means that the worker listens, end of file that
the other process is gone. A worker that ends is replaced; one that does not start ends the service.
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
    """Runs `count` processes on the addresses of the shared `sockets`.

    Their environment is that of this process with `environment` added. `ended` is called with the
    process id of each worker that is replaced.
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
        # Elsewhere the kernel does not distribute connections, and all use one socket.
        balanced = sys.platform == "linux"
        self._shares += [beside(sockets) if balanced else sockets for _ in range(count - 1)]
        self._environment = {**os.environ, **environment}
        self._children: dict[socket.socket, tuple[subprocess.Popen[bytes], Share]] = {}

    def run(self, started: Callable[[], None]) -> None:
        """Serves until a signal ends this process; calls `started` when all workers listen.

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
        passed = [opened.fileno() for opened in (theirs, *share)]
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
            # A terminal signals a whole process group, and a second signal ends a worker at once:
            # the first process alone gets signals and forwards them.
            start_new_session=True,
        )
        theirs.close()
        self._children[ours] = (child, share)
        return ours

    def _end(self) -> None:
        """Drains all workers at the same time."""
        for child, _ in self._children.values():
            child.send_signal(signal.SIGTERM)
        for line, (child, _) in self._children.items():
            child.wait()
            line.close()


@dataclass(frozen=True, slots=True)
class Counts:
    """Where the workers add up their metrics."""

    environment: Mapping[str, str]
    """The variables for the workers."""
    forget: Callable[[int], None]
    """Removes the gauges of an ended process."""


@contextmanager
def shared_counts(loaded: Settings) -> Iterator[Counts]:
    """Creates a folder for the counts of the workers; none without metrics.

    Raises SettingsError where none can be created.
    """
    if not loaded.metrics:
        yield Counts({}, lambda _process: None)
        return
    # Imported late, because a single process does not need it.
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
    """Returns the line and the sockets of a worker from their descriptors, separated by commas."""
    line, *sockets = (socket.socket(fileno=int(number)) for number in text.split(","))
    return line, sockets


def report(line: socket.socket) -> None:
    """Reports that this worker listens, and ends it when the first process is gone."""
    line.send(READY)
    line.setblocking(False)
    asyncio.get_running_loop().add_reader(line, _gone, line)


def _gone(line: socket.socket) -> None:
    asyncio.get_running_loop().remove_reader(line)
    line.close()
    signal.raise_signal(signal.SIGTERM)
