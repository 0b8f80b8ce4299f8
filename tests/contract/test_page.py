from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest

from ollama_contract.outcomes import Outcome, Result, Verdict
from ollama_contract.page import badge, page
from tests.contract.made import KEY, result


class Reader(HTMLParser):
    """The text of a page, and what it would load."""

    def __init__(self) -> None:
        super().__init__()
        self.text, self.loaded = "", list[str]()

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "link", "img", "iframe") or dict(attrs).get("src"):
            self.loaded.append(tag)


@pytest.fixture
def reader() -> Reader:
    made = Reader()
    made.feed(page(result()))
    return made


def test_the_page_needs_nothing_else(reader: Reader) -> None:
    assert reader.loaded == []
    assert "@import" not in page(result())
    assert "prefers-color-scheme: dark" in page(result())


@pytest.mark.parametrize(
    "stated",
    [
        "http://server.test",
        "POST /api/chat",
        "one done",
        "two <b>done</b>",
        '{"model": "<i>"}',
        "curl -sS -i -X POST http://server.test/api/chat",
        "m does not claim the ability 'tools'",
        "streams end; streams end well",
        "2 of 4 applicable tests passed",
    ],
)
def test_the_page_says_what_was_found_as_text(reader: Reader, stated: str) -> None:
    assert stated in re.sub(r"\s+", " ", reader.text)


def test_the_page_does_not_hold_the_key() -> None:
    assert KEY not in page(result())


def test_a_page_of_a_run_that_could_not_be_says_why() -> None:
    assert "no server there" in page(Result(problem="no server there"))


@pytest.mark.parametrize(
    ("made", "value"),
    [
        (result(), "50 %"),
        (Result(outcomes=[Outcome("t", "g", Verdict.PASSED)]), "100 %"),
        (Result(problem="x"), "not tested"),
    ],
)
def test_the_badge_is_a_small_picture_of_the_score(made: Result, value: str) -> None:
    picture = ET.fromstring(badge(made))
    assert picture.get("height") == "20"
    assert picture.get("aria-label") == f"Ollama API: {value}"
