"""What Copilot's Ollama provider in VS Code asks, and what it takes from the answers.

By `vscode-node/ollamaProvider.ts` and `node/openAIEndpoint.ts` below
`extensions/copilot/src/extension/byok` of microsoft/vscode (commits 24e796d0 and 0104d350). It
hides a model without `tools` from its agent, and sends an empty key as `Bearer`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests import raw
from tests.service import Service
from tests.upstream import Upstream

AGENT = {"User-Agent": "GitHubCopilotChat/0.51.0", "Content-Type": "application/json"}
OPERATING = Path(__file__).parents[2] / "docs" / "operating.md"
LOWEST_VERSION = (0, 6, 4)
TOOL = {
    "type": "function",
    "function": {
        "name": "read_file",
        "description": "The text of a file.",
        "parameters": {"type": "object", "properties": {"path": {"type": "string"}}},
    },
}
CALL = {"id": "call_1", "name": "read_file", "arguments": {"path": "a.py"}}


def ask(service: Service, method: str, path: str, body: Any = None, **headers: str) -> raw.Answer:
    data = None if body is None else json.dumps(body).encode()
    sent = {"Host": f"127.0.0.1:{service.port}", **AGENT, **headers}
    return raw.exchange("127.0.0.1", service.port, method, path, sent, data, timeout=30)


def entry(service: Service, model: str) -> dict[str, Any]:
    """The model as the provider lists it, worked out as the provider does."""
    shown = ask(service, "POST", "/api/show", {"model": model}).json()
    info = shown["model_info"]
    window = info[f"{info['general.architecture']}.context_length"]
    return {
        "name": info["general.basename"],
        "window": window,
        "tools": "tools" in shown["capabilities"],
        "vision": "vision" in shown["capabilities"],
    }


def test_the_version_is_one_that_the_provider_takes(scripted_service: Service) -> None:
    version = ask(scripted_service, "GET", "/api/version").json()["version"]
    assert tuple(int(part) for part in version.split(".")) >= LOWEST_VERSION


def test_every_listed_model_gets_an_entry(scripted_service: Service) -> None:
    listed = [one["model"] for one in ask(scripted_service, "GET", "/api/tags").json()["models"]]
    entries = {model: entry(scripted_service, model) for model in listed}
    assert [one["name"] for one in entries.values()] == listed
    assert all(type(one["window"]) is int and one["window"] > 0 for one in entries.values())
    assert entries["tools:latest"]["tools"]
    assert entries["vision:latest"]["vision"]
    assert not entries["gen:latest"]["tools"]


def test_a_model_whose_backend_does_not_tell_can_be_given_to_the_agent(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = str(tmp_path_factory.mktemp("models"))
    with Upstream() as upstream:
        settings = {"OPENAI_BASE_URL": upstream.base_url, "OLLAMA_MODELS": folder}
        with Service(settings) as service:
            assert not entry(service, "qwen3:latest")["tools"]
            [advised] = re.findall(r"/api/create -d '(.+)'", OPERATING.read_text("utf-8"))
            assert ask(service, "POST", "/api/create", json.loads(advised)).status == 200
            expected = {"name": "coder", "window": 32768, "tools": True, "vision": False}
            assert entry(service, "coder") == expected


def test_a_turn_of_the_agent_streams_a_call_and_takes_its_result(
    scripted_service: Service, scripted_upstream: Upstream
) -> None:
    scripted_upstream.turns(
        [{"chunks": [{"tool_calls": [CALL]}]}, {"chunks": ["It is", " empty."]}]
    )
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": "You edit files."},
        {"role": "user", "content": [{"type": "text", "text": "What is in a.py?"}]},
    ]
    body = {
        "model": "tools:latest",
        "messages": messages,
        "tools": [TOOL],
        "tool_choice": "auto",
        "temperature": 0.1,
        "top_p": 1,
        "n": 1,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    first = events(
        ask(scripted_service, "POST", "/v1/chat/completions", body, Authorization="Bearer ")
    )
    calls = [call for one in deltas(first) for call in one.get("tool_calls", [])]
    assert [call["function"]["name"] for call in calls] == ["read_file"]
    assert json.loads(calls[0]["function"]["arguments"]) == {"path": "a.py"}
    assert finish(first) == "tool_calls"
    result = {"role": "tool", "tool_call_id": calls[0]["id"], "content": ""}
    again = {**body, "messages": [*messages, {"role": "assistant", "tool_calls": calls}, result]}
    second = events(ask(scripted_service, "POST", "/v1/chat/completions", again))
    assert "".join(one.get("content") or "" for one in deltas(second)) == "It is empty."
    assert finish(second) == "stop"
    assert second[-1]["usage"]["completion_tokens"] > 0


def events(answer: raw.Answer) -> list[Any]:
    """The objects of a stream of events, which ends as OpenAI's do."""
    assert answer.status == 200
    lines = [line.removeprefix("data: ") for line in answer.text.splitlines() if line]
    assert lines.pop() == "[DONE]"
    return [json.loads(line) for line in lines]


def deltas(stream: list[Any]) -> list[Any]:
    return [choice["delta"] for one in stream for choice in one["choices"]]


def finish(stream: list[Any]) -> str:
    [reason] = [
        choice["finish_reason"]
        for one in stream
        for choice in one["choices"]
        if choice.get("finish_reason")
    ]
    return str(reason)
