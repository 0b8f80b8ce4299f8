"""What is remembered of the routes that a backend lacks."""

from __future__ import annotations

import httpx2
import openai
import pytest

from ollama_facade.backend.routes import MODELS, NoRouteError, Routes
from ollama_facade.translate.dialect_table import dialect
from ollama_facade.translate.requests import BackendRequest

ALL, NONE = dialect("vllm"), dialect("default")


def refusal(status: int = 404, text: str = "Not Found") -> openai.APIStatusError:
    asked = httpx2.Request("POST", "http://backend/v1/x")
    response = httpx2.Response(status, request=asked)
    return openai.APIStatusError(text, response=response, body={"detail": text})


def request(endpoint: str = "messages", model: str = "m") -> BackendRequest:
    return BackendRequest(endpoint, {"model": model})  # type: ignore[arg-type]


def test_the_table_says_what_a_backend_has() -> None:
    routes = Routes()
    assert routes.has(ALL, "messages", "m")
    assert routes.has(ALL, "responses", "m")
    assert not routes.has(NONE, "messages", "m")
    assert routes.has(dialect("openai"), "responses", "m")
    assert not routes.has(dialect("openai"), "messages", "m")


def test_a_route_that_was_missing_is_not_asked_again_for_this_model() -> None:
    routes = Routes()
    with pytest.raises(NoRouteError):
        routes.learn(request(), refusal())
    assert not routes.has(ALL, "messages", "m")
    assert routes.has(ALL, "messages", "other")
    assert routes.has(ALL, "responses", "m")


@pytest.mark.parametrize(
    ("asked", "error"),
    (
        (request("chat"), refusal()),
        (request(), refusal(404, "model 'm' not found")),
        (request(), refusal(400)),
    ),
)
def test_nothing_is_learned_of_another_error(
    asked: BackendRequest, error: openai.APIStatusError
) -> None:
    routes = Routes()
    routes.learn(asked, error)
    assert len(routes) == 0
    assert routes.has(ALL, "messages", "m")


def test_memory_is_bounded_and_what_is_used_stays() -> None:
    routes = Routes()
    for number in range(MODELS + 1):
        with pytest.raises(NoRouteError):
            routes.learn(request(model=f"m{number}"), refusal())
        routes.has(ALL, "messages", "m0")
    assert len(routes) == MODELS
    assert not routes.has(ALL, "messages", "m0")
    assert routes.has(ALL, "messages", "m1")
