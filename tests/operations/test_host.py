"""The routes about the server itself, against areas cloud and http of the recordings."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from ollama_facade.operations.host import Host
from tests.operations.recorded import Stage, answered, call, cases

pytestmark = pytest.mark.anyio

RECORDED: list[tuple[str, bool, Callable[[Host], Any]]] = [
    ("http/root-get", False, lambda host: host.root(call())),
    ("http/status", False, lambda host: host.status(call())),
    ("cloud/disabled-status", True, lambda host: host.status(call())),
    ("cloud/disabled-me", True, lambda host: host.me(call())),
    ("cloud/me-offline", False, lambda host: host.me(call())),
    ("cloud/signout-offline", False, lambda host: host.signout(call())),
    ("cloud/signout-offline", False, lambda host: host.delete_key(call())),
    ("cloud/disabled-web-search", True, lambda host: host.web_search({"query": "x"}, call())),
    ("cloud/disabled-web-fetch", True, lambda host: host.web_fetch({"url": "x"}, call())),
]


@pytest.mark.parametrize(("name", "no_cloud", "ask"), RECORDED)
async def test_the_host_answers_as_recorded(
    name: str, no_cloud: bool, ask: Callable[[Host], Any]
) -> None:
    response = cases(name.partition("/")[0])[name]["response"]
    body = response["body"]

    status, value = await answered(ask(Stage(no_cloud=no_cloud).host))

    assert status == response["status"]
    assert value == (json.loads(body) if body.startswith("{") else body)


async def test_the_version_is_the_one_of_the_settings() -> None:
    stage = Stage(version="0.99.1")
    assert await answered(stage.host.version(call())) == (200, {"version": "0.99.1"})
    assert await answered(stage.host.head_version(call())) == (200, {"version": "0.99.1"})


async def test_the_heartbeat_is_the_root() -> None:
    assert await answered(Stage().host.head_root(call())) == (200, "Ollama is running")


@pytest.mark.parametrize(
    "ask", (lambda h: h.web_search({}, call()), lambda h: h.web_fetch({}, call()))
)
async def test_the_web_needs_an_account_that_is_not_there(ask: Callable[[Host], Any]) -> None:
    assert await answered(ask(Stage().host)) == (401, {"error": "unauthorized"})


async def test_nothing_is_recommended_that_is_not_here() -> None:
    assert await answered(Stage().host.model_recommendations(call())) == (
        200,
        {"recommendations": []},
    )
