"""The running server: uvicorn with our parser, around the application that `http.app` builds."""

from __future__ import annotations

import gc
import math
import socket
from collections.abc import Callable

import uvicorn

from proxy.errors import SettingsError
from proxy.http.app import build
from proxy.http.observe import configure
from proxy.listening import BACKLOG
from proxy.parsing import GuardedProtocol
from proxy.settings import Settings


def run(given: Settings, sockets: list[socket.socket], started: Callable[[], None]) -> None:
    """Serves until a signal ends it; `started` is called in the loop once that is so.

    Raises SettingsError when the application does not start.
    """
    configure(given)
    config = uvicorn.Config(
        build(given),
        http=GuardedProtocol,
        ws="none",
        lifespan="on",
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        log_level="warning",
        backlog=BACKLOG,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=math.ceil(given.drain_timeout),
    )
    server = _Server(config, started)
    server.run(sockets=sockets)
    if not server.started:
        raise SettingsError("the service did not start; its log says why")


class _Server(uvicorn.Server):
    """Calls `begun` once it listens; from then on the collector looks at what is new only."""

    def __init__(self, config: uvicorn.Config, begun: Callable[[], None]) -> None:
        super().__init__(config)
        self._begun = begun

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            gc.freeze()
            gc.enable()
            self._begun()
