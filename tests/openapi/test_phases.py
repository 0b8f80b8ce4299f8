"""schemathesis asks the running service for all that the contract says, in all its ways.

Its phases are those that go beyond the contract suite's `test_generated.py`: every boundary of
every schema (coverage), values by chance (fuzzing), and operations in a row, each with what another
one answered (stateful). `make fuzz` gives it FUZZ_SECONDS and another seed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.service import ROOT, Service
from tests.upstream import Upstream, able

SECONDS = int(os.environ.get("FUZZ_SECONDS", "40"))
CHECKS = "status_code_conformance,content_type_conformance,response_schema_conformance"
"""Whether each answer is one that the contract foresees; Ollama itself answers some with 500."""


def test_every_phase_of_schemathesis_finds_answers_that_the_contract_foresees(
    tmp_path: Path,
) -> None:
    models = tmp_path / "models"
    models.mkdir()
    seeded = [] if "FUZZ_SECONDS" in os.environ else ["--generation-deterministic"]
    with Upstream(able.MODELS) as upstream:
        able.play(upstream)
        settings = {"OPENAI_BASE_URL": upstream.base_url, "OLLAMA_MODELS": str(models)}
        with Service(settings) as service:
            words = [sys.executable, "-m", "schemathesis.cli", "run"]
            words += [str(ROOT / "openapi" / "ollama.yaml"), "--url", service.url]
            words += ["--phases", "coverage,fuzzing,stateful", "--checks", CHECKS]
            words += ["--max-time", str(SECONDS), "--request-timeout", "20", "--no-color", *seeded]
            done = subprocess.run(
                words,
                cwd=tmp_path,
                capture_output=True,
                text=True,
                timeout=SECONDS * 3 + 120,
                check=False,
            )
            reported = done.stdout[-8000:] + done.stderr[-2000:]
            assert done.returncode == 0, reported
            made = re.search(r"(\d+) generated, (\d+) passed", done.stdout)
            assert made, reported
            assert made[1] == made[2]
            assert int(made[1]) > 500, reported
            assert all(
                f"✅ {phase}" in reported for phase in ("Coverage", "Fuzzing", "Stateful")
            ), reported
            hello = {"model": "able", "messages": [{"role": "user", "content": "Hi"}]}
            assert service.ask("POST", "/api/chat", hello).lines()[-1]["done"] is True
            assert "Traceback" not in service.output()
