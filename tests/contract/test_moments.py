from __future__ import annotations

from decimal import Decimal

import pytest

from ollama_contract.moments import date_of, instant, problem_of


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:01Z", "1"),
        ("1970-01-01T00:00:00.000000001Z", "0.000000001"),
        ("1970-01-01T01:00:00.5+01:00", "0.5"),
    ],
)
def test_a_moment_is_known_to_the_nanosecond(text: str, seconds: str) -> None:
    assert problem_of(text) == ""
    assert instant(text) == Decimal(seconds)


@pytest.mark.parametrize(
    "text",
    [
        None,
        5,
        "",
        "2026-11-24",
        "2026-11-24T23:30:00",
        "2026-11-24 23:30:00Z",
        "2026-02-30T23:30:00Z",
        "2026-11-24T25:00:00Z",
        "2026-11-24T23:30:00.1234567890Z",
    ],
)
def test_what_is_no_moment_with_an_offset_is_reported(text: object) -> None:
    assert repr(text) in problem_of(text)


def test_a_date_of_http_is_read_and_any_other_is_none() -> None:
    assert date_of("Thu, 01 Jan 1970 00:00:02 GMT") == 2.0
    assert date_of("soon") is None
    assert date_of(None) is None
