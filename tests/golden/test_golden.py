"""Every recording of the real Ollama: the same request gets the same answer."""

from __future__ import annotations

import json

import pytest

from tests.golden.grading import GRADES, Graded
from tests.golden.recordings import (
    Case,
    Decision,
    cases,
    comparable,
    decision,
    decisions,
    exclusions,
    fits,
)
from tests.golden.replaying import Bed
from tests.service import CANARY

PASSING = GRADES[:3]
RUN = [pytest.param(case, id=case.name) for case in comparable()]


def reported(case: Case, graded: Graded) -> str:
    """Why a case fails, for a reader."""
    request = json.dumps(case.request, ensure_ascii=False)[:1000]
    lines = [f"{case.name} is `{graded.grade}` {graded.notes}", *graded.differences[:10]]
    return "\n  ".join([*lines, f"request: {request}", f"recorded: {case.text()[:1000]}"])


@pytest.mark.parametrize("case", RUN)
def test_the_answer_is_the_recorded_one(case: Case, bed: Bed) -> None:
    graded = bed.replay(case)
    assert graded.live is None or CANARY not in graded.live.text
    decided = decision(case.name)
    if decided is None:
        assert graded.grade in PASSING, reported(case, graded)
    else:
        check_decision(case, graded, decided)


def check_decision(case: Case, graded: Graded, decided: Decision) -> None:
    """A case that is answered otherwise on purpose has to be answered so, and not as recorded."""
    assert graded.grade not in PASSING, f"{case.name} passes: take it out of decisions.yaml"
    assert graded.grade in decided.grade, reported(case, graded)
    live = graded.live
    assert live is not None, reported(case, graded)
    if decided.status is not None:
        assert live.status == decided.status, reported(case, graded)
    if decided.error is not None:
        last = json.loads(live.text.strip().split("\n")[-1])
        assert decided.error in last["error"], reported(case, graded)


@pytest.mark.parametrize("patterns", [one.patterns for one in decisions()], ids=str)
def test_every_decision_is_about_a_case_that_is_compared(patterns: tuple[str, ...]) -> None:
    names = [case.name for case in comparable(later=True)]
    for pattern in patterns:
        assert any(fits(name, (pattern.lstrip("!"),)) for name in names), pattern


@pytest.mark.parametrize("patterns", [patterns for patterns, _ in exclusions()], ids=str)
def test_every_exclusion_is_about_a_recording(patterns: tuple[str, ...]) -> None:
    for pattern in patterns:
        assert any(fits(name, (pattern.lstrip("!"),)) for name in cases()), pattern


def test_no_service_wrote_its_key_or_a_traceback(bed: Bed) -> None:
    """The last of the tests of this file: what all services of the run have written."""
    for profile, service in bed.services.items():
        written = service.output()
        assert CANARY not in written, profile
        assert "Traceback" not in written, (profile, written[-3000:])
        assert "never retrieved" not in written, profile
