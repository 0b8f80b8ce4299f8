"""A backend, and the settings with which it is reached by either sender."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ollama_facade.config import settings
from ollama_facade.config.settings import Settings

Load = Callable[..., Settings]


@pytest.fixture(params=("session", "sdk"))
def sender(request: pytest.FixtureRequest) -> str:
    """The value of FACADE_SENDER."""
    return str(request.param)


@pytest.fixture
def load(sender: str) -> Load:
    """Loads settings with a sender: each test that uses it runs with both."""
    return lambda **environ: settings.load({"FACADE_SENDER": sender, **environ})
