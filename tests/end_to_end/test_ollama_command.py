"""What the `ollama` command sends, request by request in its order (recorded from v0.33.0-rc2).

`data/command.jsonl`: a command and its requests as [method, path, body, status, media type]; the
commands build on each other, so they are one test over one service. Left out are model files, which
no layer over a backend can take, and registries.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import raw
from tests.golden.preparation import lay_out
from tests.service import Service
from tests.upstream import Upstream

COMMANDS = [
    json.loads(line)
    for line in (Path(__file__).parent / "data" / "command.jsonl").read_text("utf-8").splitlines()
]
STREAMED = "application/x-ndjson"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service of its own: these commands create, copy and delete."""
    with Upstream() as upstream:
        models = lay_out(tmp_path_factory.mktemp("models"))
        settings = {"OPENAI_BASE_URL": upstream.base_url, "OLLAMA_MODELS": str(models)}
        with Service(settings) as started:
            yield started


def headers(path: str) -> dict[str, str]:
    streams = path in ("/api/generate", "/api/chat", "/api/pull", "/api/push", "/api/create")
    return {
        "Host": "127.0.0.1:11434",
        "User-Agent": "ollama/0.33.0-rc2 (amd64 linux) Go/go1.26.8",
        "Content-Type": "application/json",
        "Accept": STREAMED if streams else "application/json",
        "Accept-Encoding": "gzip",
    }


def test_every_request_of_every_command_is_answered_as_recorded(service: Service) -> None:
    different = []
    for entry in COMMANDS:
        for method, path, body, status, media_type in entry["requests"]:
            data = None if body is None else body.encode()
            answer = raw.exchange(
                "127.0.0.1", service.port, method, path, headers(path), data, timeout=30
            )
            found = (answer.header("content-type") or "").partition(";")[0]
            if (answer.status, found) != (status, media_type):
                different.append((entry["command"], method, path, body, answer))
            if found == STREAMED:
                assert_strict(answer)
    assert different == []


def assert_strict(answer: raw.Answer) -> None:
    """Go's client takes no fractions for counts and durations, and wants a zone in every time."""
    for frame in answer.lines():
        counts: list[Any] = [
            value for key, value in frame.items() if key.endswith(("_count", "_duration"))
        ]
        assert all(type(count) is int for count in counts)
        assert frame.get("created_at", "Z").endswith("Z")
    assert answer.lines()[-1].keys() & {"done", "status", "error"}


def test_creating_from_a_model_file_is_refused_before_it_is_sent(service: Service) -> None:
    digest = "sha256:" + "a" * 64
    blob = service.ask("POST", f"/api/blobs/{digest}")
    assert blob.status == 501
    assert "error" in blob.json()
    made = service.ask("POST", "/api/create", {"model": "made2", "files": {"base.gguf": digest}})
    assert made.status == 501
    assert service.ask("POST", "/api/show", {"model": "made2"}).status == 404
