"""What every test of the suite may use, and how pytest is told about the server.

    pytest contract_tests                                  over the embedded backend
    pytest contract_tests --url http://127.0.0.1:11434     any server that speaks Ollama's API

Fixtures: `target`, `ask`, `clients`. Markers: `needs("tools")`, `changes_server`, and
`endpoint("POST /api/chat")` for the report on tests that do not apply.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
if str(ROOT) not in sys.path:  # `pytest` without `python -m` does not put it there
    sys.path.insert(0, str(ROOT))

from ollama_contract import calling, checking, invariants, serving  # noqa: E402
from ollama_contract.exchange import Asker, Clients  # noqa: E402
from ollama_contract.oracle import Comparison, compare  # noqa: E402
from ollama_contract.recording import Exchange, Recorder  # noqa: E402
from ollama_contract.target import Target  # noqa: E402
from ollama_contract.watching import COMPARED, TARGET, title  # noqa: E402

RECORDER = pytest.StashKey[Recorder]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("contract")
    group.addoption("--url", default=os.environ.get("CONTRACT_URL"), help="the server to test")
    group.addoption("--model", default=None, help="the model to ask; else the first that chats")
    group.addoption("--embed-model", default=None, help="the model for embeddings")
    key = os.environ.get("OLLAMA_API_KEY")
    group.addoption("--api-key", default=key, help="the server's key; else OLLAMA_API_KEY")
    group.addoption("--abilities", default=None, help="what the model can, instead of asking")
    group.addoption("--own", action="store_true", help="the server may be changed")
    group.addoption("--oracle", default=None, help="a second server, to compare with")
    group.addoption("--oracle-model", default=None, help="the model to ask there")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(*abilities): the model has to have these abilities")
    config.addinivalue_line("markers", "endpoint(*names): what a test is about: 'POST /api/chat'")
    config.addinivalue_line("markers", "changes_server: only for a server that may be changed")
    config.stash[RECORDER] = Recorder()


@pytest.fixture(scope="session")
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    """The server under test and what its models can do."""
    option = request.config.getoption
    abilities = option("--abilities")
    given: dict[str, Any] = {
        "model": option("--model"),
        "embed_model": option("--embed-model"),
        "api_key": option("--api-key"),
        "abilities": None if abilities is None else abilities.split(","),
    }
    url = option("--url")
    with ExitStack() as ending:
        try:
            if not url:
                given["embed_model"] = given["embed_model"] or serving.MODEL
                url = ending.enter_context(serving.running())
            own = option("--own") or not option("--url")
            found = Target.at(url, own=own, **given)
            # The key is for the server under test and for no other.
            other = option("--oracle-model") or option("--model")
            second = Target.at(option("--oracle"), other) if option("--oracle") else None
        except LookupError as error:
            pytest.exit(str(error), returncode=2)
        request.config.stash[RECORDER].secret = found.api_key
        request.config.stash[TARGET] = found
        yield found
        if second is not None:
            request.config.stash[COMPARED] = Comparison(second.url, compare(found, second))


@pytest.fixture(scope="session")
def asker(target: Target, pytestconfig: pytest.Config) -> Iterator[Asker]:
    asking = Asker(target, pytestconfig.stash[RECORDER])
    yield asking
    asking.close()


@pytest.fixture
def ask(asker: Asker) -> Asker:
    """`ask("POST", "/api/chat", {...}) -> Answer`, recorded."""
    return asker


@pytest.fixture(scope="session")
def client_pair(target: Target, pytestconfig: pytest.Config) -> Iterator[Clients]:
    pair = Clients(target, pytestconfig.stash[RECORDER])
    yield pair
    pair.close()


@pytest.fixture
def clients(client_pair: Clients) -> Clients:
    """Ollama's own clients on the target, recorded."""
    return client_pair


@pytest.fixture(params=["sync", "async"])
def call(request: pytest.FixtureRequest, clients: Clients) -> calling.Call:
    """`call("chat", model=…)`: a method of either client; what it raises is a finding."""
    made = calling.at_once if request.param == "sync" else calling.in_a_loop
    return made(clients)


@pytest.fixture(autouse=True)
def applicable(request: pytest.FixtureRequest, target: Target) -> None:
    """Ends a test that asks for what the model or the server does not claim."""
    for marker in request.node.iter_markers("needs"):
        for ability in marker.args:
            if reason := target.lacks(ability):
                checking.not_applicable(reason)
    if request.node.get_closest_marker("changes_server") and not target.own:
        checking.not_applicable("it changes the server; say --own when it may be changed")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Gives the test an empty sheet, and fails it when there is a finding on it afterwards.

    Whatever the test is about: every whole answer that it gets has to be one that can be.
    """
    recorder = item.config.stash[RECORDER]
    recorder.clear()
    sheet = item.stash[checking.SHEET] = checking.Sheet(title(item), recorder)
    checking.begin(sheet)

    def check(exchange: Exchange) -> None:
        for expected, got in invariants.faults(exchange):
            sheet.add(expected, got, exchange=exchange)

    recorder.ended = check
    try:
        yield
    except checking.FindingsError:
        raise
    except Exception as error:
        if sheet.findings:
            sheet.add(f"no {type(error).__name__} on the way", str(error))
            raise checking.FindingsError(sheet.findings) from error
        raise
    if sheet.findings:
        raise checking.FindingsError(sheet.findings)
