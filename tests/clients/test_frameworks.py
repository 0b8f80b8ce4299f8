"""LangChain and LlamaIndex, as they install today: `make clients` fetches and runs them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.service import Service
from tests.upstream import Upstream

HERE = Path(__file__).resolve().parent
PYTHON = HERE.parents[1] / ".venv-clients" / "bin" / "python"

pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="needs `make clients`")


def told(script: str, service: Service, model: str) -> dict[str, Any]:
    command = [str(PYTHON), str(HERE / script), service.url, model]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(json.loads(done.stdout))


CALLED: dict[str, Any] = {
    "chunks": [{"tool_calls": [{"name": "get_weather", "arguments": {"city": "Paris"}}]}]
}
CALLS = [{"name": "get_weather", "args": {"city": "Paris"}}]


def test_langchain_calls_tools_streams_completes_and_embeds() -> None:
    with Upstream() as upstream, Service({"OPENAI_BASE_URL": upstream.base_url}) as service:
        structured = {"chunks": ['{"capital":', ' "Paris"}']}
        upstream.turns([CALLED, {}, {}, structured, {}])
        answer = told("langchain_asks.py", service, "gen")
        asked = [one.body for one in upstream.generations()]
    assert answer["calls"] == CALLS
    assert answer["answer"] == "Hello there!"
    assert answer["usage"] == 3
    assert "".join(answer["streamed"]) == "Hello there!"
    assert len(answer["streamed"]) > 2
    assert answer["structured"] == {"capital": "Paris"}
    assert answer["completed"] == "Hello there!"
    assert len(answer["vectors"]) == 2
    [call] = asked[1]["messages"][1]["tool_calls"]
    assert asked[1]["messages"][2]["tool_call_id"] == call["id"]
    assert asked[1]["messages"][2]["content"] == "sunny in Paris"
    assert asked[3]["response_format"]["type"] == "json_schema"


def test_llamaindex_calls_tools_streams_and_completes() -> None:
    with Upstream() as upstream, Service({"OPENAI_BASE_URL": upstream.base_url}) as service:
        upstream.turns([CALLED, {}])
        answer = told("llamaindex_asks.py", service, "gen")
    assert answer["calls"] == CALLS
    assert answer["answer"] == answer["completed"] == "Hello there!"
    assert "".join(answer["streamed"]) == "Hello there!"
