"""The whole command, in a process of its own, on a server that is as good as is said."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

from ollama_contract.runner import Options
from tests.contract.server import KEY, serving

ROOT = Path(__file__).parent.parent.parent
UNKNOWN = "unknown_path"
EMBEDDING = "TestEmbedding"


def run(folder: Path, *arguments: str) -> tuple[int, str, dict[str, Any]]:
    """Status, what was printed, and the JSON report."""
    command = [
        sys.executable,
        "-m",
        "ollama_facade",
        "contract",
        "--report-dir",
        str(folder),
        *arguments,
    ]
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OLLAMA_API_KEY": KEY},
        capture_output=True,
        text=True,
        check=False,
    )
    return (
        done.returncode,
        done.stdout + done.stderr,
        json.loads((folder / "contract.json").read_text()),
    )


def test_a_good_server_is_status_0_and_what_does_not_apply_is_no_pass(tmp_path: Path) -> None:
    with serving(good=True) as url:
        status, stated, report = run(tmp_path, "--url", url, "-k", f"{UNKNOWN} or {EMBEDDING}")
    assert status == 0, stated
    assert report["target"]["model"] == "m:latest"
    score = report["score"]
    assert (score["failed"], score["percent"]) == (0, 100)
    assert score["passed"] == sum("unknown path" in test["title"] for test in report["tests"]) > 0
    (left_out,) = report["not_applicable"]
    assert left_out["reason"] == "no model claims the ability 'embedding', none is named"
    assert len(left_out["tests"]) == score["not_applicable"] > 0
    cases = ET.parse(tmp_path / "junit.xml").getroot().iter("testcase")
    assert sum(case.find("skipped") is not None for case in cases) == score["not_applicable"]


def test_a_bad_server_is_status_1_and_every_report_names_it_but_not_the_key(
    tmp_path: Path,
) -> None:
    with serving(good=False) as url:
        status, stated, report = run(tmp_path, "--url", url, "-k", UNKNOWN)
    assert status == 1
    assert {finding["expected"] for finding in report["findings"]} == {
        "text/plain",
        "404 page not found",
    }
    texts = [path.read_text() for path in sorted(tmp_path.iterdir()) if path.suffix != ".svg"]
    assert len(texts) == 3
    for text in (stated, *texts):
        assert "404 page not found" in text
        assert "$OLLAMA_API_KEY" in text
        assert KEY not in text
    assert "0 %" in (tmp_path / "badge.svg").read_text()


def test_no_server_is_status_2_and_says_so(tmp_path: Path) -> None:
    with serving(good=True) as url:
        pass  # its port is free now
    status, stated, report = run(tmp_path, "--url", url, "-k", UNKNOWN)
    assert status == 2
    assert f"{url} does not answer" in stated
    assert report["problem"].startswith(f"{url} does not answer")


def test_each_report_goes_where_it_is_reported_and_else_into_the_folder(tmp_path: Path) -> None:
    reported = Options(report_dir=tmp_path, json=tmp_path / "own.json")
    assert reported.file("json", "contract.json") == tmp_path / "own.json"
    assert reported.file("html", "contract.html") == tmp_path / "contract.html"
    assert Options().file("html", "contract.html") is None


def test_the_key_is_not_in_the_options_as_they_are_shown() -> None:
    assert KEY not in repr(Options(api_key=KEY))
