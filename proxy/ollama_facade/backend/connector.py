"""Connections that are kept: none is used again on which something came while nobody asked.

aiohttp reads on while a connection is idle, and what comes then would be taken for the answer to
the next request, which may be another client's (faults.md row 64). What comes once that request has
left cannot be told from its answer by anybody.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection


class Connector(aiohttp.TCPConnector):
    """aiohttp's, which asks of an idle connection only whether it is open and young enough."""

    def _release(self, key: Any, protocol: ResponseHandler, *, should_close: bool = False) -> None:
        # A backend may answer before it has read all; what has not left is of no more use to it.
        transport = protocol.transport
        unsent = transport is not None and transport.get_write_buffer_size() > 0
        super()._release(key, protocol, should_close=should_close or unsent)
        # Without a parser any byte is left where `should_close` sees it; little of it is read.
        protocol._parser = None  # noqa: SLF001

    def _get(self, key: Any, traces: list[Any]) -> Coroutine[Any, Any, Connection | None]:
        for protocol, _ in self._conns.get(key, ()):
            if not protocol.should_close:
                break
            protocol.close()
        return super()._get(key, traces)
