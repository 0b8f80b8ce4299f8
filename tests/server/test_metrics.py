"""The counts: what is counted, and that no label takes a word from outside."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ollama_facade.server.metrics import Metrics
from ollama_facade.server.request_record import RequestMetrics

ROOT = Path(__file__).parents[2]


def values(metrics: Metrics) -> dict[str, float]:
    lines = metrics.exposition().decode().splitlines()
    pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


def counted(**fields: Any) -> dict[str, float]:
    metrics = Metrics()
    metrics.begin()
    metrics.end(
        RequestMetrics(
            **{"method": "POST", "route": "/api/chat", "status": 200, "seconds": 2.0, **fields}
        )
    )
    return values(metrics)


def test_a_request_is_counted_with_all_that_it_brought() -> None:
    found = counted(first=0.2, frames=3, prompt_tokens=5, answer_tokens=7)
    assert found['facade_requests_total{method="POST",route="/api/chat",status="200"}'] == 1
    assert found['facade_request_duration_seconds_sum{route="/api/chat"}'] == 2.0
    assert found['facade_first_frame_seconds_bucket{le="0.25",route="/api/chat"}'] == 1
    assert found['facade_first_frame_seconds_bucket{le="0.1",route="/api/chat"}'] == 0
    assert found['facade_frames_total{route="/api/chat"}'] == 3
    assert found['facade_tokens_total{kind="prompt"}'] == 5
    assert found['facade_tokens_total{kind="answer"}'] == 7
    assert found["facade_requests_in_flight"] == 0


def test_what_goes_wrong_is_counted_by_its_kind() -> None:
    found = counted(failure="truncated", left=True)
    assert found['facade_backend_errors_total{kind="truncated"}'] == 1
    assert found['facade_client_hangups_total{route="/api/chat"}'] == 1


def test_a_request_under_way_is_in_flight() -> None:
    metrics = Metrics()
    metrics.begin()
    assert values(metrics)["facade_requests_in_flight"] == 1


@pytest.mark.parametrize(
    ("fields", "label"),
    (
        ({"route": ""}, 'route="other"'),
        ({"method": "BREW\n"}, 'method="other"'),
        ({"status": 99999}, 'status="0"'),
        ({"failure": "x" * 1000}, 'kind="other"'),
    ),
)
def test_a_word_that_nobody_knows_is_other(fields: dict[str, Any], label: str) -> None:
    found = counted(**fields)
    assert any(label in name for name in found)
    assert all(len(name) < 200 for name in found)


SHARING = """
import os, sys
from ollama_facade.server.metrics import Metrics
from ollama_facade.server.request_record import RequestMetrics as Seen
metrics = Metrics(shared=True)
if os.fork() == 0:
    other = Metrics(shared=True)
    other.begin()
    other.begin()
    other.end(Seen("GET", "/", 200, 0.1))
    os._exit(0)
os.wait()
metrics.begin()
metrics.end(Seen("GET", "/", 200, 0.1))
sys.stdout.write(metrics.exposition().decode())
"""


def test_the_counts_of_several_processes_add_up(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SHARING],
        cwd=ROOT,
        env={"PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "PYTHONPATH": str(ROOT / "proxy")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert 'facade_requests_total{method="GET",route="/",status="200"} 2.0' in done.stdout
