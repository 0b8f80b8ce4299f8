"""`ollama-facade` with a search in its sockets: what any client of it receives goes through here.

python -m tests.watched serve …    writes a line to the log for each secret that is sent
"""

from __future__ import annotations

import json
import os
import sys
from asyncio import selector_events
from collections.abc import Iterable, Sequence
from typing import Any

from tests.canary import LEAK, VARIABLE, Search


def watch(secrets: Sequence[str]) -> None:
    """Searches everything that is written to accepted connections; those to the backend are not."""
    transport: Any = selector_events._SelectorSocketTransport  # type: ignore[attr-defined]
    write, write_lines = transport.write, transport.writelines

    def look(self: Any, data: bytes) -> None:
        if self._server is None:
            return
        if not hasattr(self, "searched"):
            self.searched = Search(secrets)
        if self.searched.finds(bytes(data)):
            os.write(2, f"{LEAK}\n".encode())

    def watched_write(self: Any, data: bytes) -> None:
        look(self, data)
        write(self, data)

    def watched_write_lines(self: Any, lines: Iterable[bytes]) -> None:
        data = b"".join(lines)
        look(self, data)
        write_lines(self, [data])

    transport.write, transport.writelines = watched_write, watched_write_lines


if __name__ == "__main__":
    watch(json.loads(os.environ.pop(VARIABLE)))
    from proxy.cli import main

    sys.argv[0] = "ollama-facade"
    main()
