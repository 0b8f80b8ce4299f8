"""What every test may use: the repository on the path, and a scripted backend."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# A few examples where somebody waits, a hundred in continuous integration, and `make fuzz`. A busy
# machine is no reason to fail, so that no example has a deadline.
settings.register_profile("few", max_examples=20, deadline=None)
settings.register_profile("ci", max_examples=100, deadline=None)
settings.register_profile("fuzz", max_examples=20_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "few"))

ROOT = Path(__file__).parent.parent
if str(ROOT) not in sys.path:  # `pytest` without `python -m` does not put it there
    sys.path.insert(0, str(ROOT))

from tests import canary  # noqa: E402
from tests.upstream import Upstream  # noqa: E402


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """A scripted backend with the usual models; says "Hello there!" until it is told otherwise."""
    with Upstream() as server:
        yield server


@pytest.fixture(scope="session", autouse=True)
def clients_key() -> Iterator[None]:
    """Ollama's own client sends this key with every request."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OLLAMA_API_KEY", canary.FORWARDED)
        yield


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
