"""The service as people start it: over the embedded backend, and over a scripted one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.end_to_end.browser import Browser
from tests.end_to_end.stage import Stage
from tests.golden.preparation import lay_out
from tests.service import Service
from tests.upstream import Upstream


@pytest.fixture(scope="session")
def local_service() -> Iterator[Service]:
    """`ollama-facade serve --local`: llama.cpp with the small model behind it."""
    with Service(arguments=["--local"], wait_seconds=180) as service:
        yield service


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium with one page, for tests that say themselves that they need it."""
    with Browser(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture(scope="module")
def scripted_upstream() -> Iterator[Upstream]:
    with Upstream() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def scripted_service(
    scripted_upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """The service over the scripted backend, with models whose capabilities are known."""
    models = lay_out(tmp_path_factory.mktemp("models"))
    settings = {"OPENAI_BASE_URL": scripted_upstream.base_url, "OLLAMA_MODELS": str(models)}
    with Service(settings) as service:
        yield service


@pytest.fixture(scope="module", params=(True, False), ids=("relayed", "translated"))
def scripted_stage(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    """A backend that should have all routes and has them, or answers 404; a service of its own.

    What was learned of the one is not true of the other.
    """
    models = lay_out(tmp_path_factory.mktemp("models"))
    with Upstream() as upstream:
        settings = {
            "OPENAI_BASE_URL": upstream.base_url,
            "OLLAMA_MODELS": str(models),
            "FACADE_DIALECT": "vllm",
        }
        with Service(settings) as service:
            yield Stage(service, upstream, request.param)


@pytest.fixture
def stage(scripted_stage: Stage) -> Stage:
    """The stage of the module, saying "Hello there!"."""
    scripted_stage.turns({})
    return scripted_stage
