"""LangChain and LlamaIndex, as they install today: `make clients` fetches and runs them."""

from __future__ import annotations

from tests.clients.asking import CALLS, needs, reported
from tests.clients.scenes import CALLED
from tests.service import Service
from tests.upstream import Upstream

pytestmark = needs("frameworks")


def test_langchain_calls_tools_streams_completes_and_embeds() -> None:
    with Upstream() as upstream, Service({"OPENAI_BASE_URL": upstream.base_url}) as service:
        structured = {"chunks": ['{"capital":', ' "Paris"}']}
        upstream.turns([CALLED, {}, {}, structured, {}])
        answer = reported("frameworks", "langchain_asks.py", service.url, "gen")
        requested = [one.body for one in upstream.generations()]
    assert answer["calls"] == CALLS
    assert answer["answer"] == "Hello there!"
    assert answer["usage"] == 3
    assert "".join(answer["streamed"]) == "Hello there!"
    assert len(answer["streamed"]) > 2
    assert answer["structured"] == {"capital": "Paris"}
    assert answer["completed"] == "Hello there!"
    assert len(answer["vectors"]) == 2
    [call] = requested[1]["messages"][1]["tool_calls"]
    assert requested[1]["messages"][2]["tool_call_id"] == call["id"]
    assert requested[1]["messages"][2]["content"] == "sunny in Paris"
    assert requested[3]["response_format"]["type"] == "json_schema"


def test_llamaindex_calls_tools_streams_and_completes() -> None:
    with Upstream() as upstream, Service({"OPENAI_BASE_URL": upstream.base_url}) as service:
        upstream.turns([CALLED, {}])
        answer = reported("frameworks", "llamaindex_asks.py", service.url, "gen")
    assert answer["calls"] == CALLS
    assert answer["answer"] == answer["completed"] == "Hello there!"
    assert "".join(answer["streamed"]) == "Hello there!"
