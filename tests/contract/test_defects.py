"""The suite against servers that are known: it finds what is planted, nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import others
from tests.fakes.defects import DEFECTS, FIRST, SECOND, Planted
from tests.fakes.server import serving

ROOT = Path(__file__).parent.parent.parent
THIRD, FOURTH = tuple(others.THIRD), tuple(others.FOURTH)
ALL = {**DEFECTS, **others.THIRD, **others.FOURTH}
# Generated requests find more by chance; what is planted has to be found by the written ones.
WRITTEN = "not generated"
FEWER = {"CONTRACT_EXAMPLES": "3"}

COMMAND = """
import sys
from pathlib import Path
from ollama_contract.runner import Options, run
url, select, report = sys.argv[1:]
sys.exit(run(Options(url=url, model="able", own=True, select=select, json=Path(report))))
"""


@dataclass(frozen=True)
class Run:
    """One run of the suite."""

    status: int
    stated: dict[str, Any]

    def findings(self) -> list[dict[str, Any]]:
        return list(self.stated["findings"])

    def tells(self, planted: Planted) -> bool:
        """A finding names the endpoint and the defect."""
        return any(
            one["endpoint"] == planted.endpoint
            and planted.sign in f"{one['expected']} {one['got']}"
            for one in self.findings()
        )


def run(folder: Path, *names: str) -> Run:
    """The suite as a command, against a server with these defects."""
    report = folder / "contract.json"
    with serving(*(ALL[name].plant for name in names)) as server:
        select = WRITTEN if names else ""
        words = [sys.executable, "-c", COMMAND, server.url, select, str(report)]
        done = subprocess.run(
            words,
            cwd=ROOT,
            env={**os.environ, **FEWER},
            capture_output=True,
            timeout=120,
            check=False,
        )
    assert report.exists(), done.stderr.decode()[-3000:]
    return Run(done.returncode, json.loads(report.read_text("utf-8")))


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """The runs by the first defect; all at once, since they mostly wait."""
    servers: tuple[tuple[str, ...], ...] = ((), FIRST, SECOND, THIRD, FOURTH)
    with ThreadPoolExecutor() as pool:
        folders = [tmp_path_factory.mktemp("run") for _ in servers]
        found = list(
            pool.map(lambda pair: run(pair[0], *pair[1]), zip(folders, servers, strict=True))
        )
    names = dict(zip(servers, found, strict=True))
    return {
        "": names[()],
        **{name: made for planted, made in names.items() for name in planted},
    }


@pytest.fixture
def faithful(every: dict[str, Run]) -> Run:
    return every[""]


def test_there_is_no_finding_on_a_server_that_answers_as_ollama_does(faithful: Run) -> None:
    assert faithful.findings() == []
    assert faithful.status == 0


@pytest.mark.parametrize("name", ALL)
def test_a_planted_defect_is_named(name: str, every: dict[str, Run]) -> None:
    found = every[name]
    assert found.status == 1
    assert found.tells(ALL[name]), sorted(
        {(one["endpoint"], one["expected"]) for one in found.findings()}
    )


@pytest.mark.parametrize("name", ALL)
def test_what_names_a_defect_is_not_said_of_a_good_server(name: str, faithful: Run) -> None:
    assert not faithful.tells(ALL[name])
