"""`ollama-facade` with eyes on its sockets: what any client receives, and where it connects.

python -m tests.watched serve …    writes a line to the log for each secret that is sent, and for
                                   each connection to where the settings do not lead
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from asyncio import selector_events
from collections.abc import Iterable, Sequence
from typing import Any

from tests import canary, peers

UNWATCHED, WATCHED = ["-m", "ollama_facade", "serve"], ["-m", "tests.watched", "serve"]


def watch(secrets: Sequence[str]) -> None:
    """Searches everything that is written to accepted connections; those to the backend are not."""
    transport: Any = selector_events._SelectorSocketTransport  # type: ignore[attr-defined]
    write, write_lines = transport.write, transport.writelines

    def look(self: Any, data: bytes) -> None:
        if self._server is None:
            return
        if not hasattr(self, "searched"):
            self.searched = canary.Search(secrets)
        if self.searched.finds(bytes(data)):
            os.write(2, f"{canary.LEAK}\n".encode())

    def watched_write(self: Any, data: bytes) -> None:
        look(self, data)
        write(self, data)

    def watched_write_lines(self: Any, lines: Iterable[bytes]) -> None:
        data = b"".join(lines)
        look(self, data)
        write_lines(self, [data])

    transport.write, transport.writelines = watched_write, watched_write_lines


def watch_workers() -> None:
    """The processes of `--workers` are watched as well; the embedded backend is not this code."""
    start = subprocess.Popen.__init__

    def watched_start(self: Any, command: Any, *more: Any, **named: Any) -> None:
        if isinstance(command, list) and command[1:4] == UNWATCHED:
            command = [command[0], *WATCHED, *command[4:]]
        start(self, command, *more, **named)

    subprocess.Popen.__init__ = watched_start  # type: ignore[method-assign]


def main() -> None:
    """The command, watched."""
    # The sockets of uvloop, which `make bench` installs, cannot be looked at.
    sys.modules["uvloop"] = None  # type: ignore[assignment]
    watch(json.loads(os.environ[canary.VARIABLE]))
    watch_workers()
    sys.addaudithook(peers.Peers(json.loads(os.environ[peers.VARIABLE])).hook)
    from ollama_facade.cli import main as cli

    sys.argv[0] = "ollama-facade"
    cli.main()


if __name__ == "__main__":
    main()
