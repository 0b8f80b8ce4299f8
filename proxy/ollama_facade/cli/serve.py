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
from ollama_facade.server.protocol import guarded
from ollama_facade.server.shutdown import Shutdown

_log = structlog.get_logger(__name__)

COLLECTED = 10_000
"""Objects that come to be before the collector looks at them; a request makes hundreds, and nearly
none of them refers to itself."""

LAST_SECONDS = 3
"""What answers that were ended get to be written when the service stops."""


def run(
    given: Settings,
    sockets: list[socket.socket],
    started: Callable[[], None],
    *,
    shared: bool = False,
) -> None:
    """Answers on `sockets` until told to stop; `started` is called in the loop once it does.

    `shared`: other processes do the same. Raises SettingsError when it cannot begin.
    """
    configure(given)
    stopping = Shutdown()
    config = uvicorn.Config(
        build(given, stopping=stopping, shared=shared),
        http=guarded(given.header_timeout),
        ws="none",
        lifespan="on",
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        log_level="warning",
        backlog=BACKLOG,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=LAST_SECONDS,
    )
    server = _Server(config, started, stopping, given.drain_timeout)
    server.run(sockets=sockets)
    if not server.started:
        raise SettingsError("the service did not start; its log says why")


class _Server(uvicorn.Server):
    """Calls `begun` once it listens, and stops in two steps.

    After the first signal it goes on listening, so that clients hear why they are refused and
    what asks for readiness hears of it, until nothing is under way or the time is over; what is
    under way then is told so and gets some more seconds to be written. A second signal ends all.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        begun: Callable[[], None],
        stopping: Shutdown,
        patience: float,
    ) -> None:
        super().__init__(config)
        self._begun = begun
        self._stopping = stopping
        self._patience = int(patience * SECOND)
        self._clock = Clock()
        self._stopped = 0
        self._complained = 0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().set_exception_handler(self._on_loop_error)
        await super().startup(sockets)
        if self.started:
            # From now on the collector looks at what is new only.
            gc.freeze()
            gc.set_threshold(COLLECTED)
            gc.enable()
            self._begun()

    def _on_loop_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        """Says in a line, and once a second, what asyncio says in thousands of tracebacks."""
        error = context.get("exception")
        if not isinstance(error, OSError) or error.errno not in (errno.EMFILE, errno.ENFILE):
            loop.default_exception_handler(context)
        elif self._clock.monotonic() - self._complained > SECOND:
            self._complained = self._clock.monotonic()
            _log.error("connections wait, because too many files are open")

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The handler of SIGTERM and SIGINT."""
        if not self._stopping.begun and self.started:
            # As in uvicorn's own: raised again when everything is closed.
            self._captured_signals.append(sig)
            self._stopping.begin()
            return
        self.force_exit = self._stopping.begun
        super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second; True ends the service."""
        if await super().on_tick(counter) or not self._stopping.begun:
            return self.should_exit
        now = self._clock.monotonic()
        self._stopped = self._stopped or now
        waited = now - self._stopped - self._patience
        if waited >= 0:
            self._stopping.expire()
        return not self._stopping.under_way or waited > LAST_SECONDS * SECOND
