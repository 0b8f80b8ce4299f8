"""The server, from its first request to its orderly end."""

from __future__ import annotations

import asyncio
import errno
import socket
from contextlib import suppress
from types import FrameType

import click
import structlog
import uvicorn

from proxy.clock import SECOND, Clock
from proxy.errors import SettingsError
from proxy.http.app import build
from proxy.http.observe import configure
from proxy.http.stopping import Stopping
from proxy.listening import BACKLOG, listen
from proxy.parsing import guarded
from proxy.settings import Settings

_log = structlog.get_logger(__name__)

LAST_SECONDS = 3
"""What answers that were ended get to be written when the service stops."""


def run(given: Settings, sockets: list[socket.socket], text: str) -> None:
    """Answers on `sockets` until told to stop; `text` is said when it does.

    Raises SettingsError when it cannot begin.
    """
    configure(given)
    if given.metrics_host:
        sockets, given = _with_metrics(given, sockets)
    stopping = Stopping()
    config = uvicorn.Config(
        build(given, stopping=stopping),
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
    server = _Server(config, text, stopping, given.drain_timeout)
    server.run(sockets=sockets)
    if not server.started:
        raise SettingsError("the service did not start; its log says why")


def _with_metrics(
    given: Settings, sockets: list[socket.socket]
) -> tuple[list[socket.socket], Settings]:
    """The sockets of FACADE_METRICS_HOST as well, and the settings with its real port."""
    host, port = given.metrics_host or ("", 0)
    if port == sockets[0].getsockname()[1]:
        raise SettingsError("FACADE_METRICS_HOST: its port must not be that of OLLAMA_HOST")
    more = listen(host, port, "FACADE_METRICS_HOST")
    place = (host, more[0].getsockname()[1])
    return [*sockets, *more], given.model_copy(update={"metrics_host": place})


class _Server(uvicorn.Server):
    """Says where it listens once it does, and stops in two steps.

    After the first signal it goes on listening, so that clients hear why they are refused and
    what asks for readiness hears of it, until nothing is under way or the time is over; what is
    under way then is told so and gets some more seconds to be written. A second signal ends all.
    """

    def __init__(
        self, config: uvicorn.Config, text: str, stopping: Stopping, patience: float
    ) -> None:
        super().__init__(config)
        self._text = text
        self._stopping = stopping
        self._patience = int(patience * SECOND)
        self._clock = Clock()
        self._began = 0
        self._complained = 0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().set_exception_handler(self._on_loop_error)
        await super().startup(sockets)
        if self.started:
            # Whoever reads the output may have gone; the service is there for others.
            with suppress(OSError):
                click.echo(self._text)

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
        self._began = self._began or now
        waited = now - self._began - self._patience
        if waited >= 0:
            self._stopping.expire()
        return not self._stopping.under_way or waited > LAST_SECONDS * SECOND
