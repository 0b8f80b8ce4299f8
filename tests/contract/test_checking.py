from __future__ import annotations

import httpx
import pytest

from ollama_contract import checking
from ollama_contract.checking import FindingsError, Sheet, demand, expect
from ollama_contract.recording import Recorder


@pytest.fixture
def sheet() -> Sheet:
    recorder = Recorder()
    recorder.secret = "hidden"
    recorder.begin(httpx.Request("GET", "http://server.test/api/tags"), b"")
    made = Sheet("lists models", recorder)
    checking.begin(made)
    return made


def test_what_holds_is_no_finding(sheet: Sheet) -> None:
    assert expect(condition=True, expected="200")
    assert sheet.findings == []


def test_a_test_goes_on_and_finds_more(sheet: Sheet) -> None:
    assert not expect(condition=False, expected="200", got=404)
    expect(condition=False, expected="a list", got=None)
    assert [(one.expected, one.got) for one in sheet.findings] == [
        ("200", "404"),
        ("a list", "None"),
    ]


def test_a_finding_has_its_endpoint_title_and_exchange(sheet: Sheet) -> None:
    expect(condition=False, expected="200")
    (finding,) = sheet.findings
    assert (finding.endpoint, finding.title) == ("GET /api/tags", "lists models")
    assert finding.exchange is sheet.recorder.exchanges[0]


def test_the_same_is_found_once_but_at_every_endpoint(sheet: Sheet) -> None:
    for endpoint in ("", "", "POST /api/chat"):
        expect(condition=False, expected="200", endpoint=endpoint)
    assert [one.endpoint for one in sheet.findings] == ["GET /api/tags", "POST /api/chat"]


def test_a_demand_ends_the_test_with_all_that_was_found(sheet: Sheet) -> None:
    expect(condition=False, expected="first")
    with pytest.raises(FindingsError, match="expected: second") as caught:
        demand(condition=False, expected="second")
    assert [one.expected for one in caught.value.findings] == ["first", "second"]


def test_a_long_value_is_cut_and_a_key_left_out(sheet: Sheet) -> None:
    expect(condition=False, expected="short", got="hidden " + "x" * 10_000)
    (finding,) = sheet.findings
    assert len(finding.got) < 2_100
    assert "hidden" not in finding.got
