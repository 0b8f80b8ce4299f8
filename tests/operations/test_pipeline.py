"""What holds on every route that generates text, streamed or not, translated or passed through."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from tests.service import Service
from tests.upstream import Asked, Step, Upstream, answer
from tests.upstream.foreign import PATHS, foreign
from tests.upstream.turns import spoken

HI = [{"role": "user", "content": "Hi"}]
ROUTES: dict[str, dict[str, Any]] = {
    "/api/chat": {"messages": HI, "options": {"temperature": 0.5}},
    "/api/generate": {"prompt": "Hi", "options": {"temperature": 0.5}},
    "/v1/chat/completions": {"messages": HI, "temperature": 0.5},
    "/v1/completions": {"prompt": "Hi", "temperature": 0.5},
    "/v1/responses": {"input": "Hi", "temperature": 0.5},
    "/v1/messages": {"messages": HI, "max_tokens": 9, "temperature": 0.5},
}
REFUSAL = {"message": "no", "param": "temperature", "code": "unsupported_parameter"}


def without_temperature(scenario: Callable[[Asked], Sequence[Step]]) -> Any:
    """A backend that refuses the parameter by name, and else plays `scenario`."""

    def choose(requested: Asked) -> Sequence[Step]:
        if "temperature" in requested.body:
            return [answer(400, {"error": REFUSAL})]
        return scenario(requested)

    return choose


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream() as server:
        server.script(without_temperature(spoken({})))
        for path in PATHS:
            server.script(without_temperature(foreign({})), path=path)
        yield server


@pytest.fixture(scope="module", params=["default", "vllm"])
def service(request: pytest.FixtureRequest, upstream: Upstream) -> Iterator[Service]:
    settings = {"OPENAI_BASE_URL": upstream.base_url, "FACADE_DIALECT": request.param}
    with Service(settings) as started:
        yield started


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("route", ROUTES)
def test_what_the_backend_refuses_is_named_the_first_and_the_second_time(
    service: Service, route: str, stream: bool
) -> None:
    model = "gen" if stream else "native"
    body = {"model": model, "stream": stream, **ROUTES[route]}
    replies = [service.ask("POST", route, body) for _ in range(2)]
    assert [reply.status for reply in replies] == [200, 200]
    dropped = [reply.header("Facade-Dropped") for reply in replies]
    assert dropped == ["temperature", "temperature"]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("route", ["/api/chat", "/api/generate"])
def test_an_option_that_openai_has_not_is_named(service: Service, route: str, stream: bool) -> None:
    body = {**ROUTES[route], "model": "tools", "stream": stream, "options": {"num_ctx": 64}}
    assert service.ask("POST", route, body).header("Facade-Dropped") == "num_ctx"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("route", ["/v1/chat/completions", "/v1/completions"])
def test_a_parameter_that_openai_has_not_is_named(
    service: Service, route: str, stream: bool
) -> None:
    body = {**ROUTES[route], "model": "native", "stream": stream, "mirostat": 2}
    assert "mirostat" in service.ask("POST", route, body).header("Facade-Dropped")
