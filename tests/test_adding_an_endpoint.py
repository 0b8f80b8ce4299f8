"""docs/adding-an-endpoint.md, followed to the letter."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from ollama_facade import contract
from ollama_facade.clock import Clock
from ollama_facade.operations import collect
from ollama_facade.server.app import dispatch
from tests.server.asgi import ask

PAGE = Path(__file__).resolve().parent.parent / "docs" / "adding-an-endpoint.md"


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    return found[1]


def test_the_example_answers_when_its_steps_are_followed() -> None:
    paths = yaml.safe_load(block("yaml"))
    document: dict[str, Any] = {**contract.document(), "paths": paths}
    module: dict[str, Any] = {"__name__": "greeting"}
    exec(block("python"), module)
    app = dispatch(document, collect((module["Greeting"](),)), Clock())
    answer = ask(app, "GET", "/api/hello/Ada")
    assert (answer.status, answer.body) == (200, b'{"hello":"Ada"}')
