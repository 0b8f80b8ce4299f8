"""Two servers side by side: no difference between equals, and a defect shows as one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ollama_contract.oracle import Comparison, Difference, as_data, compare, form
from ollama_contract.target import Target
from tests.fakes.defects import DEFECTS
from tests.fakes.server import serving

ROOT = Path(__file__).parent.parent.parent
DEFECTIVE = ("two done lines", "errors as detail", "HEAD not answered", "response for message")


@pytest.fixture(scope="module")
def differences() -> dict[str, list[Difference]]:
    """A faithful server against another, and against one with defects."""
    with serving() as good, serving() as twin:
        planted = [DEFECTS[name].plant for name in DEFECTIVE]
        with serving(*planted) as bad:
            one, two, three = (Target.at(side.url, "able") for side in (good, twin, bad))
            return {"twin": compare(two, one), "bad": compare(three, one)}


def test_equals_do_not_differ(differences: dict[str, list[Difference]]) -> None:
    assert differences["twin"] == []


@pytest.mark.parametrize(
    ("case", "aspect", "part"),
    [
        ("manage/copy-unknown", "body", "detail"),
        ("http/tags-head", "status", "405"),
        ("chat/plain", "body", "response"),
    ],
)
def test_a_defect_is_shown_beside_what_the_oracle_says(
    case: str, aspect: str, part: str, differences: dict[str, list[Difference]]
) -> None:
    found = [one for one in differences["bad"] if (one.case, one.aspect) == (case, aspect)]
    assert len(found) == 1
    assert part in found[0].target
    assert part not in found[0].oracle
    assert as_data(Comparison("x", found))["differences"][0]["case"] == case


def test_the_form_of_a_value_has_its_keys_in_order() -> None:
    value = {"b": [1, 2.5, "x"], "a": {"c": None, "d": True}}
    assert form(value) == "{b: [number | text], a: {c: null, d: bool}}"


def test_the_command_shows_differences_in_all_reports_and_they_are_no_failure(
    tmp_path: Path,
) -> None:
    with serving() as good, serving(DEFECTS["errors as detail"].plant) as bad:
        command = [
            sys.executable,
            "-m",
            "ollama_facade",
            "contract",
            "--url",
            bad.url,
            "--model",
            "able",
        ]
        command += ["--oracle", good.url, "-k", "a_query_is_ignored", "--report-dir", str(tmp_path)]
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
        )
    assert done.returncode == 0, done.stdout + done.stderr
    stated = json.loads((tmp_path / "contract.json").read_text("utf-8"))["comparison"]
    assert stated["oracle"] == good.url
    (one,) = [one for one in stated["differences"] if one["case"] == "manage/copy-unknown"]
    assert "detail" in one["target"]
    for text in (done.stdout, (tmp_path / "contract.html").read_text("utf-8")):
        assert f"ifferences from {good.url}" in text
        assert "manage/copy-unknown" in text
        assert "detail" in text
