"""Where the contract is tested: `--url`, the variable CONTRACT_URL, or a service started here.

pytest contract_tests                                  over the embedded backend
pytest contract_tests --url http://127.0.0.1:11434     any server that speaks Ollama's API
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
if str(ROOT) not in sys.path:  # `pytest` without `python -m` does not put it there
    sys.path.insert(0, str(ROOT))

from contract_tests.contract import Target  # noqa: E402


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("contract")
    group.addoption("--url", default=os.environ.get("CONTRACT_URL"), help="the server to test")
    group.addoption("--model", default=None, help="the model to ask; else the first that chats")


@pytest.fixture(scope="session")
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    """The server under test and a model of its."""
    url, model = request.config.getoption("--url"), request.config.getoption("--model")
    if url:
        yield Target.at(url, model, own=False)
        return
    from tests.service import Service

    with Service(arguments=["--local"], patience=180) as service:
        yield Target.at(service.url, model, own=True)
