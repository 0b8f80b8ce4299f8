"""What Open WebUI, Home Assistant and n8n send, replayed request by request.

`data/programs.jsonl` was recorded by `python -m tests.clients.record` from Open WebUI 0.12.4, Home
Assistant 2025.4.4 and n8n's nodes 2.41.1; `make clients` runs the programs themselves. What later
versions of Home Assistant's integration send is taken from its source (home-assistant/core,
`homeassistant/components/ollama/entity.py` and `ai_task.py`, commit 0d0db908).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ollama
import pytest

from tests import raw
from tests.clients.scenes import SCENES
from tests.service import Service
from tests.upstream import Upstream

RECORDED = [
    json.loads(line)
    for line in (Path(__file__).parent / "data" / "programs.jsonl").read_text("utf-8").splitlines()
]
SCHEMA = {"type": "object", "properties": {"rooms": {"type": "array", "items": {"type": "string"}}}}


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream() as running:
        yield running


@pytest.fixture(scope="module")
def service(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service of its own: a program copies and deletes."""
    models = str(tmp_path_factory.mktemp("models"))
    with Service({"OPENAI_BASE_URL": upstream.base_url, "OLLAMA_MODELS": models}) as started:
        yield started


@pytest.mark.parametrize("client", SCENES)
def test_every_request_of_a_program_is_answered_as_when_it_was_content(
    client: str, service: Service, upstream: Upstream
) -> None:
    upstream.turns(SCENES[client][2])
    requests = [one for one in RECORDED if one["client"] == client]
    assert requests
    for one in requests:
        method, path = one["request"]
        body = one["body"] and one["body"].encode()
        headers = {"Host": f"127.0.0.1:{service.port}", **one["headers"]}
        answer = raw.exchange("127.0.0.1", service.port, method, path, headers, body, timeout=30)
        media_type = (answer.header("content-type") or "text/plain").partition(";")[0]
        assert (answer.status, media_type) == (one["status"], one["media_type"]), one
        if path == "/api/chat":
            assert answer.lines()[-1]["done"] is True


def test_home_assistant_keeps_a_model_for_ever_and_asks_it_to_think(
    service: Service, upstream: Upstream
) -> None:
    upstream.turns([{}])
    given: dict[str, Any] = {"keep_alive": -1, "options": {"num_ctx": 8192}, "think": False}
    frames = chat(service, messages=[{"role": "user", "content": "Hi"}], tools=None, **given)
    assert "".join(frame.message.content or "" for frame in frames) == "Hello there!"
    [loaded] = [
        one for one in service.ask("GET", "/api/ps").json()["models"] if one["name"] == "gen:latest"
    ]
    assert loaded["expires_at"] > "2100"


def test_home_assistant_gets_data_in_the_form_that_a_task_asks_for(
    service: Service, upstream: Upstream
) -> None:
    upstream.turns([{"chunks": ['{"rooms":', ' ["hall"]}']}])
    frames = chat(service, messages=[{"role": "user", "content": "Rooms?"}], format=SCHEMA)
    text = "".join(frame.message.content or "" for frame in frames)
    assert json.loads(text) == {"rooms": ["hall"]}
    requested = upstream.generations()[-1].body["response_format"]
    assert requested["json_schema"]["schema"] == SCHEMA


def test_home_assistant_is_reported_why_a_model_cannot_be_downloaded(service: Service) -> None:
    refused = pytest.raises(ollama.ResponseError, match="pull model manifest")
    with ollama.Client(host=service.url) as client, refused:
        client.pull("absent")


def chat(service: Service, **given: Any) -> list[ollama.ChatResponse]:
    with ollama.Client(host=service.url) as client:
        return list(client.chat(model="gen:latest", stream=True, **given))
