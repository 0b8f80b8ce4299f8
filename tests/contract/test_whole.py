"""The whole suite on this service over a scripted backend that can do everything."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.service import ROOT, Service
from tests.upstream import Upstream, able

# What applies to no server that can do all of it.
CANNOT = {
    "a tool is refused where a model cannot",
    "thinking is refused where a model cannot [/api/chat]",
    "thinking is refused where a model cannot [/api/generate]",
    # It has no weights of its own, so that it takes none.
    "the client sends a blob [sync]",
    "the client sends a blob [async]",
}


def test_this_service_passes_whole_over_a_backend_that_can_do_everything(tmp_path: Path) -> None:
    report = tmp_path / "contract.json"
    models = tmp_path / "models"
    models.mkdir()
    with Upstream(able.MODELS) as upstream:
        able.play(upstream)
        settings = {"OPENAI_BASE_URL": upstream.base_url, "OLLAMA_MODELS": str(models)}
        with Service(settings) as service:
            command = [
                sys.executable,
                "-m",
                "ollama_facade",
                "contract",
                "--url",
                service.url,
                "--own",
            ]
            done = subprocess.run(
                [*command, "--json", str(report)],
                cwd=ROOT,
                capture_output=True,
                text=True,
                timeout=300,
                check=False,
            )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    stated = json.loads(report.read_text("utf-8"))
    assert set(stated["target"]["abilities"]) >= {
        "completion",
        "tools",
        "vision",
        "thinking",
        "embedding",
        "logprobs",
    }
    left_out = {title for one in stated["not_applicable"] for title in one["tests"]}
    assert left_out == CANNOT
