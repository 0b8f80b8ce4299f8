from __future__ import annotations

import json

import pytest

from ollama_contract.contract import operations
from ollama_contract.outcomes import ExitStatus, Outcome, Result, Row, Verdict, as_data
from tests.contract.made import BAD, CHAT, KEY, SHOW, result

NOT_APPLICABLE = Outcome("x", "g", Verdict.NOT_APPLICABLE, reason="it cannot")
PASSED = Outcome("y", "g", Verdict.PASSED)
FAILED = Outcome("z", "g", Verdict.FAILED, findings=(BAD,))


def row(endpoint: str) -> Row:
    return next(row for row in result().rows() if row.endpoint == endpoint)


def test_an_endpoint_fails_when_something_was_found_there() -> None:
    assert row(CHAT) == Row(CHAT, Verdict.FAILED, passed=1, failed=2, not_applicable=0)


def test_an_endpoint_is_not_blamed_for_what_was_found_at_another_nor_praised() -> None:
    assert row(SHOW) == Row(SHOW, Verdict.PASSED, passed=2, failed=0, not_applicable=0)


def test_what_does_not_apply_is_no_pass_of_its_endpoint() -> None:
    assert row("POST /api/embed").verdict is Verdict.NOT_APPLICABLE


def test_every_operation_of_the_contract_has_a_row_in_its_order() -> None:
    rows = result().rows()
    assert [row.endpoint for row in rows] == [operation.endpoint for operation in operations()]
    assert rows[0].verdict is Verdict.NOT_TESTED


def test_a_finding_elsewhere_gets_a_row_too() -> None:
    finding = type(BAD)("GET /nope", "t", "404", "200")
    outcome = Outcome("t", "g", Verdict.FAILED, findings=(finding,))
    assert Result(outcomes=[outcome]).rows()[-1].endpoint == "GET /nope"


@pytest.mark.parametrize(
    ("outcomes", "status", "percent"),
    [
        ([PASSED], ExitStatus.WELL, 100),
        ([PASSED, NOT_APPLICABLE], ExitStatus.WELL, 100),
        ([PASSED, FAILED], ExitStatus.FINDINGS, 50),
        ([PASSED] * 999 + [FAILED], ExitStatus.FINDINGS, 99),
        ([NOT_APPLICABLE], ExitStatus.IMPOSSIBLE, 0),
        ([], ExitStatus.IMPOSSIBLE, 0),
    ],
)
def test_the_status_and_the_score_count_only_what_applies(
    outcomes: list[Outcome], status: ExitStatus, percent: int
) -> None:
    made = Result(outcomes=outcomes)
    assert (made.status, made.percent) == (status, percent)


def test_a_run_that_broke_off_is_neither_well_nor_a_finding() -> None:
    assert Result(outcomes=[PASSED], problem="interrupted").status is ExitStatus.IMPOSSIBLE


def test_the_same_finding_of_several_tests_is_reported_once_with_all_their_titles() -> None:
    (group,) = result().findings()
    assert (group.finding, group.titles) == (BAD, ("streams end", "streams end well"))


def test_the_data_say_it_all_and_not_the_key() -> None:
    data = as_data(result())
    assert data["exit_status"] == 1
    assert data["score"] == {"percent": 50, "passed": 2, "failed": 2, "not_applicable": 1}
    assert data["not_applicable"] == [
        {"reason": "m does not claim the ability 'tools'", "tests": ["calls tools"]}
    ]
    (finding,) = data["findings"]
    assert finding["curl"].startswith("curl ")
    assert (finding["expected"], finding["endpoint"]) == ("one done", CHAT)
    assert KEY not in json.dumps(data)
