"""The server, from its first request to its orderly end."""

from __future__ import annotations

import asyncio
import errno
import gc
import socket
from collections.abc import Callable
from types import FrameType

import structlog
import uvicorn

from ollama_facade.cli.sockets import BACKLOG
from ollama_facade.clock import SECOND, Clock
from ollama_facade.config.settings import Settings
from ollama_facade.errors import SettingsError
from ollama_facade.server.app import build
from ollama_facade.server.logging import configure
from ollama_facade.server.protocol import http_protocol
from ollama_facade.server.shutdown import Shutdown

_log = structlog.get_logger(__name__)

GC_THRESHOLD = 10_000
"""New objects before the garbage collector runs; a request makes hundreds, and nearly none of them
is in a reference cycle."""

FLUSH_SECONDS = 3
"""Seconds to write the end of responses that were ended when the service stops."""


def run(
    settings: Settings,
    sockets: list[socket.socket],
    started: Callable[[], None],
    *,
    shared: bool = False,
) -> None:
    """Serves on `sockets` until it is told to stop; calls `started` in the loop once it listens.

    `shared`: other processes do the same. Raises SettingsError when it cannot start.
    """
    configure(settings)
    shutdown = Shutdown()
    config = uvicorn.Config(
        build(settings, shutdown=shutdown, shared=shared),
        http=http_protocol(settings.header_timeout),
        ws="none",
        lifespan="on",
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        log_level="warning",
        backlog=BACKLOG,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=FLUSH_SECONDS,
    )
    server = _Server(config, started, shutdown, settings.drain_timeout)
    server.run(sockets=sockets)
    if not server.started:
        raise SettingsError("the service did not start; its log says why")


class _Server(uvicorn.Server):
    """Calls `started` once it listens, and stops in two steps.

    After the first signal it goes on listening, so that clients and readiness probes learn why they
    are refused, until nothing is under way or `drain_seconds` are over; what is under way then is
    ended with an error and gets some more seconds to be written. A second signal ends everything.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        on_started: Callable[[], None],
        shutdown: Shutdown,
        drain_seconds: float,
    ) -> None:
        super().__init__(config)
        self._on_started = on_started
        self._shutdown = shutdown
        self._drain = int(drain_seconds * SECOND)
        self._clock = Clock()
        self._signalled = 0
        self._last_complaint = 0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().set_exception_handler(self._on_loop_error)
        await super().startup(sockets)
        if self.started:
            # From now on the collector looks at new objects only.
            gc.freeze()
            gc.set_threshold(GC_THRESHOLD)
            gc.enable()
            self._on_started()

    def _on_loop_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        """Logs one line a second for what asyncio logs as thousands of tracebacks."""
        error = context.get("exception")
        if not isinstance(error, OSError) or error.errno not in (errno.EMFILE, errno.ENFILE):
            loop.default_exception_handler(context)
        elif self._clock.monotonic() - self._last_complaint > SECOND:
            self._last_complaint = self._clock.monotonic()
            _log.error("connections wait, because too many files are open")

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The handler of SIGTERM and SIGINT."""
        is_second = self._shutdown.begun
        super().handle_exit(sig, frame)
        if is_second:
            self.force_exit = True
        elif self.started:
            # `on_tick` ends the service.
            self.should_exit = False
            self._shutdown.begin()

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second; True ends the service."""
        if await super().on_tick(counter) or not self._shutdown.begun:
            return self.should_exit
        now = self._clock.monotonic()
        self._signalled = self._signalled or now
        waited = now - self._signalled - self._drain
        if waited >= 0:
            self._shutdown.expire()
        return not self._shutdown.under_way or waited > FLUSH_SECONDS * SECOND
