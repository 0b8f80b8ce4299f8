"""The suite on the routes of other dialects: it names what is planted there, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.contract.test_defects import COMMAND, ROOT, Run
from tests.fakes.v1 import V1, Planted, spoiled

ASKS = "test_openai"


def run(folder: Path, *planted: Planted) -> Run:
    report = folder / "contract.json"
    with spoiled(planted) as url:
        done = subprocess.run(
            [sys.executable, "-c", COMMAND, url, ASKS, str(report)],
            cwd=ROOT,
            env=dict(os.environ),
            capture_output=True,
            timeout=120,
            check=False,
        )
    assert report.exists(), done.stderr.decode()[-3000:]
    stated: dict[str, Any] = json.loads(report.read_text("utf-8"))
    return Run(done.returncode, stated)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run(tmp_path_factory.mktemp("good"))


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run(tmp_path_factory.mktemp("bad"), *V1.values())


def test_there_is_no_finding_on_the_service_itself(good: Run) -> None:
    assert good.findings() == []
    assert good.status == 0


@pytest.mark.parametrize("name", V1)
def test_a_defect_of_another_dialect_is_named(name: str, good: Run, bad: Run) -> None:
    assert bad.status == 1
    assert bad.tells(V1[name]), sorted({(f["endpoint"], f["expected"]) for f in bad.findings()})
    assert not good.tells(V1[name])
