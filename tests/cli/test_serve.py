"""The running server (`serve` as people start it is tests/cli/test_main.py)."""

from __future__ import annotations

import asyncio
import errno
import gc
import signal

import uvicorn
from structlog.testing import capture_logs

from ollama_facade.cli.serve import _Server
from ollama_facade.server.shutdown import Shutdown


async def _application(scope: object, receive: object, send: object) -> None:
    raise AssertionError


def test_the_collector_is_on_again_once_the_server_listens() -> None:
    seen: list[bool] = []

    async def start() -> None:
        config = uvicorn.Config(_application, lifespan="off", log_config=None)
        config.load()
        server = _Server(config, lambda: seen.append(gc.isenabled()), Shutdown(), 1.0)
        server.lifespan = config.lifespan_class(config)
        await server.startup(sockets=[])

    gc.disable()
    try:
        asyncio.run(start())
        assert seen == [True]
    finally:
        gc.unfreeze()
        gc.enable()


def server(drain_seconds: float = 60.0) -> tuple[_Server, Shutdown]:
    stopping = Shutdown()
    config = uvicorn.Config(_application, lifespan="off", log_config=None)
    made = _Server(config, lambda: None, stopping, drain_seconds)
    made.started = True
    return made, stopping


def test_the_first_signal_begins_the_end_and_the_second_is_it() -> None:
    running, stopping = server()
    running.handle_exit(signal.SIGTERM, None)
    assert stopping.begun
    assert not running.should_exit
    running.handle_exit(signal.SIGTERM, None)
    assert running.should_exit
    assert running.force_exit


def test_it_ends_when_nothing_is_under_way_or_the_time_is_over() -> None:
    running, stopping = server()
    assert asyncio.run(running.on_tick(1)) is False
    stopping.under_way = 1
    running.handle_exit(signal.SIGTERM, None)
    assert asyncio.run(running.on_tick(1)) is False
    stopping.under_way = 0
    assert asyncio.run(running.on_tick(1)) is True
    hurried, stopping = server(drain_seconds=-10.0)
    stopping.under_way = 1
    hurried.handle_exit(signal.SIGTERM, None)
    assert asyncio.run(hurried.on_tick(1)) is True


def test_what_asyncio_says_of_descriptors_is_one_line_a_second() -> None:
    running, _ = server()
    with asyncio.Runner() as runner, capture_logs() as lines:
        loop = runner.get_loop()
        for _ in range(1000):
            running._on_loop_error(loop, {"exception": OSError(errno.EMFILE, "x")})
    assert [line["log_level"] for line in lines] == ["error"]
