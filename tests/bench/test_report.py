"""The arithmetic of `bench/`: ratios and targets. What it measures is no matter for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench import report, subjects
from bench.scenarios import K0IN, PYTHON, SCENARIOS
from bench.subjects import BARE, DIRECT, OURS


def results(**scenarios: Any) -> dict[str, Any]:
    return {"date": "today", "machine": "2 cores", "notes": ["a peer is left out"],
            "scenarios": scenarios}  # fmt: skip


CONCURRENT = {
    DIRECT: {"rate": 5000.0, "cpu": 1.0, "errors": 0},
    OURS: {"rate": 800.0, "cpu": 250.0, "errors": 0},
    BARE: {"rate": 1000.0, "cpu": 125.0, "errors": 0},
    K0IN: {"rate": 900.0, "cpu": 1.0, "errors": 0},
    PYTHON: {"rate": 50.0, "cpu": 1.0, "errors": 0},
}


def test_a_row_says_what_each_did_and_which_targets_are_met() -> None:
    row = report.table(results(concurrent=CONCURRENT)).split("\n")[2]
    assert "| 800.0 |" in row
    assert "| 0.80 |" in row
    assert "≥ 0.7 × bare: 0.80 ✓" in row
    assert f"≥ 1 × {K0IN}: 0.89 ✗" in row
    assert f"≥ 10 × {PYTHON}: 16.00 ✓" in row


def test_less_is_better_where_more_is_not() -> None:
    found = {OURS: {"rate": 1, "cpu": 6.0, "errors": 0}, BARE: {"rate": 1, "cpu": 4.0, "errors": 0}}
    assert "≤ 1.25 × bare: 1.50 ✗" in report.table(results(flood=found))


def test_errors_are_shown_only_where_there_are_some() -> None:
    assert "errors" not in report.table(results(concurrent=CONCURRENT))
    broken = {**CONCURRENT, OURS: {**CONCURRENT[OURS], "errors": 3}}
    assert "| errors |" in report.table(results(concurrent=broken))


def test_a_peer_that_answered_nothing_is_not_shown_as_fast() -> None:
    found = {OURS: {"p50": 2.0, "errors": 0}, PYTHON: {"p50": 0, "errors": 15}}
    assert "| 2 ms | failed |" in report.table(results(prompt=found))


def test_a_peer_that_was_not_measured_has_no_ratio() -> None:
    row = report.table(results(concurrent={OURS: CONCURRENT[OURS]})).split("\n")[2]
    assert "✓" not in row
    assert "✗" not in row


def test_the_page_keeps_what_stands_around_the_run(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n", encoding="utf-8")
    report.document(page, results(concurrent=CONCURRENT))
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert "a peer is left out" in text


@pytest.mark.parametrize("path", sorted((subjects.HERE / "peers").glob("*.toml")), ids=str)
def test_a_peer_is_left_out_until_its_variable_says_where_it_is(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("BENCH_K0IN", "BENCH_OLLAMA_OPENAI_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(subjects.Missing, match="is left out"):
        subjects.peer(path, "http://127.0.0.1:1")
    for name in ("BENCH_K0IN", "BENCH_OLLAMA_OPENAI_PROXY"):
        monkeypatch.setenv(name, "/bin/true")
    peer = subjects.peer(path, "http://127.0.0.1:1")
    assert peer.command[0] == "/bin/true"
    assert "{backend}" not in str((peer.command, peer.environment, peer.files))


def test_scenarios_have_names_of_their_own() -> None:
    assert len({one.name for one in SCENARIOS}) == len(SCENARIOS)


def test_the_check_with_a_real_model_says_both_rates(tmp_path: Path) -> None:
    seen = {"median": 50.04, "least": 49.0, "most": 51.0}
    page = tmp_path / "performance.md"
    page.write_text(f"{report.BEGIN}\n{report.END}\n", encoding="utf-8")
    reported = {
        "model": "smollm2",
        "tokens": 128,
        "direct": seen,
        "through": {**seen, "median": 50.0},
    }
    report.document(page, {**results(concurrent=CONCURRENT), "real": reported})
    text = page.read_text(encoding="utf-8")
    assert "50.0 tokens/s (49.0 to 51.0) asked directly, 50.0 tokens/s" in text
