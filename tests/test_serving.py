"""The running server (`serve` as people start it is tests/test_cli.py)."""

from __future__ import annotations

import asyncio
import gc

import uvicorn

from proxy.serving import _Server


async def _application(scope: object, receive: object, send: object) -> None:
    raise AssertionError


def test_the_collector_is_on_again_once_the_server_listens() -> None:
    seen: list[bool] = []

    async def start() -> None:
        config = uvicorn.Config(_application, lifespan="off", log_config=None)
        config.load()
        server = _Server(config, lambda: seen.append(gc.isenabled()))
        server.lifespan = config.lifespan_class(config)
        await server.startup(sockets=[])

    gc.disable()
    try:
        asyncio.run(start())
        assert seen == [True]
    finally:
        gc.unfreeze()
        gc.enable()
