"""Open WebUI's server, Home Assistant's integration and n8n's nodes: `make clients` fetches them.

What they send is recorded (`record`), so that tests without a registry know it too
(`tests/end_to_end/test_programs.py`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.clients.asking import CALLS, needs, reported
from tests.clients.scenes import SCENES
from tests.service import Service
from tests.upstream import Upstream


def played(client: str, upstream: Upstream, service: Service) -> dict[str, Any]:
    """What a client told of its scene."""
    script, model, turns = SCENES[client]
    upstream.turns(turns)
    return reported(client, script, service.url, model)


@needs("open-webui")
def test_open_webui_lists_chats_calls_tools_embeds_a_file_and_manages(tmp_path: Path) -> None:
    with Upstream() as upstream:
        settings = {"OPENAI_BASE_URL": upstream.base_url, "OLLAMA_MODELS": str(tmp_path)}
        with Service(settings) as service:
            answer = played("open-webui", upstream, service)
        embedded = [one.body for one in upstream.requested if one.path == "/v1/embeddings"]
    assert answer["verified"].count(".") == 2
    assert {"gen:latest", "emb:latest"} <= set(answer["models"])
    assert "completion" in answer["abilities"]
    assert answer["calls"] == [{"name": "get_weather", "arguments": '{"city":"Paris"}'}]
    assert "".join(filter(None, answer["streamed"])) == "Hello there!"
    assert answer["usage"] == [3]
    assert answer["whole"] == "".join(answer["lines"]) == "Hello there!"
    assert answer["loaded"][0] == "gen:latest"
    assert answer["file"]["status"] == "completed"
    assert [one["input"] for one in embedded] == [["A note to be found again."]]
    assert answer["pulled"] == {"status": "success"}
    assert answer["unloaded"] == {"status": True}
    assert "mine:latest" in answer["copied"]


@needs("home-assistant")
def test_home_assistant_is_set_up_answers_and_switches_a_lamp_on() -> None:
    with Upstream() as upstream, Service({"OPENAI_BASE_URL": upstream.base_url}) as service:
        answer = played("home-assistant", upstream, service)
        requested = [one.body for one in upstream.generations()]
    assert "gen:latest" in answer["offered"]
    assert answer["state"] == "loaded"
    assert answer["greeted"] == {"type": "action_done", "speech": "Hello there!"}
    assert answer["switched"] == {"type": "action_done", "speech": "Hello there!"}
    assert answer["lamp"] == "on"
    assert "HassTurnOn" in [tool["function"]["name"] for tool in requested[1]["tools"]]
    assert requested[2]["messages"][-1]["role"] == "tool"


@needs("n8n")
def test_the_nodes_of_n8n_test_list_chat_call_tools_and_embed() -> None:
    with Upstream() as upstream, Service({"OPENAI_BASE_URL": upstream.base_url}) as service:
        answer = played("n8n", upstream, service)
    assert answer["tested"] == len(answer["offered"]) > 0
    assert {"name": "gen:latest", "value": "gen:latest"} in answer["found"]
    assert answer["calls"] == CALLS
    assert answer["answer"] == answer["sent"] == "".join(answer["streamed"]) == "Hello there!"
    assert answer["usage"] == 3
    assert answer["vectors"] == [8, 8]
    assert answer["done"] is True
