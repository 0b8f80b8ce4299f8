"""The service as people start it: over the embedded backend, and over a scripted one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.golden.preparation import lay_out
from tests.service import Service
from tests.upstream import Upstream


@pytest.fixture(scope="session")
def local_service() -> Iterator[Service]:
    """`ollama-facade serve --local`: llama.cpp with the small model behind it."""
    with Service(arguments=["--local"], patience=180) as service:
        yield service


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
