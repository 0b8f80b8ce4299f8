"""One service for the whole folder; after each test it has to be as it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.robustness.bench import NAMED, ROOMY, TIMES, Bench
from tests.service import Service
from tests.upstream import Upstream


@pytest.fixture(scope="session")
def running() -> Iterator[Bench]:
    with Upstream() as upstream:
        settings = {**TIMES, **ROOMY, **NAMED, "OPENAI_BASE_URL": upstream.base_url}
        with Service(settings) as service:
            bench = Bench(upstream, service)
            bench.settle()
            bench.descriptors = bench.count_descriptors()
            yield bench


@pytest.fixture
def bench(running: Bench) -> Iterator[Bench]:
    running.upstream.turns([{}])
    running.news()
    yield running
    running.settle()
