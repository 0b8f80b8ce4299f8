"""The limit of requests under way (faults.md row 38)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from ollama_facade.server.queue import QueueMiddleware
from tests.server.asgi import (
    Answer,
    Held,
    Seen,
    alone,
    call,
    golden,
    scope_of,
    stack,
    under_way,
)

CHAT = {"Host": "localhost"}


@pytest.mark.parametrize(
    "case",
    [
        case
        for case in golden("failures")
        if case["name"].startswith("failures/busy-") and case["request"]["path"].startswith("/api/")
    ],
    ids=lambda case: case["name"],
)
def test_one_request_more_than_the_queue_holds_is_refused(case: dict[str, Any]) -> None:
    async def fill() -> Answer:
        app = Held()
        busy = stack(app, max_queue=1)
        running = asyncio.create_task(call(busy, "POST", "/api/chat", CHAT, b"{}"))
        await app.entered.wait()
        request = case["request"]
        body = json.dumps(request["body"]).encode()
        got = await call(busy, request["method"], request["path"], request["headers"], body)
        app.let_go.set()
        assert (await running).status == 200
        assert (await call(busy, "POST", "/api/chat", CHAT, b"{}")).status == 200
        assert under_way(busy) == 0
        return got

    got = asyncio.run(fill())
    response = case["response"]
    assert (got.status, got.body.decode()) == (response["status"], response["body"])
    assert got.values("content-type") == [response["headers"]["Content-Type"]]


def test_a_full_queue_does_not_keep_the_other_paths_out() -> None:
    async def fill() -> list[int]:
        app = Held()
        answers_at_once = Seen()

        async def split(scope: Scope, receive: Receive, send: Send) -> None:
            await (app if scope["method"] == "POST" else answers_at_once)(scope, receive, send)

        busy = stack(split, max_queue=1)
        running = asyncio.create_task(call(busy, "POST", "/api/embed", CHAT, b"{}"))
        await app.entered.wait()
        statuses = [(await call(busy, "GET", path)).status for path in ("/", "/api/version")]
        statuses.append((await call(busy, "POST", "/api/embeddings", CHAT, b"{}")).status)
        app.let_go.set()
        await running
        return statuses

    assert asyncio.run(fill()) == [200, 200, 503]


def test_alone_it_counts_only_what_the_contract_queues() -> None:
    async def fill() -> list[int]:
        app = Held()
        queue = QueueMiddleware(app, capacity=1)
        running = asyncio.create_task(alone(queue, scope_of()))
        await app.entered.wait()
        refused = await alone(queue, scope_of())
        app.let_go.set()
        other = await alone(queue, scope_of("GET", "/api/version"))
        return [refused.status, other.status, (await running).status]

    assert asyncio.run(fill()) == [503, 200, 200]
