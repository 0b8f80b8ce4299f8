"""The page /ui in a real browser, as people use it: by keyboard, on a phone, in the dark."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.end_to_end.browser import PROGRAM, Browser
from tests.service import Service

PICTURES = Path(__file__).resolve().parents[2] / "build" / "pictures"
PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}

pytestmark = pytest.mark.skipif(not PROGRAM, reason="needs Chromium")


@pytest.fixture
def page(browser: Browser, local_service: Service) -> Browser:
    """The page, just opened, with its models listed."""
    browser.events.clear()
    browser.open("about:blank")
    browser.open(f"{local_service.url}/ui")
    browser.wait_for("document.querySelectorAll('#models td').length == 3")
    return browser


def retained(page: Browser, name: str) -> None:
    """A picture for people to look at, in build/pictures."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    (PICTURES / f"{name}.png").write_bytes(page.picture())


def text(page: Browser, identity: str) -> str:
    return str(page.run(f"document.getElementById('{identity}').textContent"))


def press(page: Browser, key: str, code: int) -> None:
    reported = {"key": key, "code": key, "windowsVirtualKeyCode": code}
    more = {"text": "\r"} if key == "Enter" else {}
    page.do("Input.dispatchKeyEvent", type="keyDown", **reported, **more)
    page.do("Input.dispatchKeyEvent", type="keyUp", **reported)


def requested(page: Browser, question: str) -> None:
    """By keyboard alone: from the model to the question with the tabulator, and Enter sends."""
    page.run("document.getElementById('model').focus()")
    press(page, "Tab", 9)
    assert page.run("document.activeElement.id") == "question"
    page.do("Input.insertText", text=question)
    press(page, "Enter", 13)


def test_models_and_health_are_shown_and_nothing_came_from_elsewhere(
    page: Browser, local_service: Service
) -> None:
    cells = page.run("[...document.querySelectorAll('#models td')].map((one) => one.textContent)")
    assert cells[0] == "smollm2:latest"
    assert "completion" in cells[1]
    assert cells[2] == "8,192"
    assert "the backend answers" in text(page, "health")
    assert [url for url in page.requests() if not url.startswith(f"{local_service.url}/")] == []
    assert page.complaints() == []


def test_a_question_is_answered_with_its_figures_by_keyboard_alone(page: Browser) -> None:
    requested(page, "What is the capital of France?")
    page.wait_for("document.getElementById('tokens').textContent != '\u2013'")
    page.wait_for("document.getElementById('stop').disabled")
    assert "Paris" in page.run("document.querySelector('.assistant').textContent")
    frames = [json.loads(line) for line in text(page, "lines").splitlines()]
    assert [frame["done"] for frame in frames] == [False] * (len(frames) - 1) + [True]
    assert text(page, "frames") == str(len(frames))
    assert text(page, "tokens") == str(frames[-1]["eval_count"])
    assert text(page, "first").endswith(" ms")
    assert float(text(page, "rate")) > 0
    assert page.run("document.activeElement.id") == "question"
    assert page.complaints() == []
    retained(page, "desk")


def test_what_fails_is_reported_and_the_question_stays(page: Browser) -> None:
    page.run("document.getElementById('model').add(new Option('gone'))")
    page.run("document.getElementById('model').value = 'gone'")
    requested(page, "Anybody?")
    page.wait_for("document.querySelector('li .failed')")
    assert page.run("document.querySelector('li .failed').textContent") == "model 'gone' not found"
    assert page.run("document.getElementById('question').value") == "Anybody?"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_in_either_colour(page: Browser, scheme: str) -> None:
    page.do("Emulation.setDeviceMetricsOverride", **PHONE)
    preference = {"name": "prefers-color-scheme", "value": scheme}
    page.do("Emulation.setEmulatedMedia", features=[preference])
    try:
        assert page.run("document.documentElement.scrollWidth <= window.innerWidth")
        background = page.run("getComputedStyle(document.body).backgroundColor")
        assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(24, 24, 27)"}[scheme]
        retained(page, f"phone-{scheme}")
    finally:
        page.do("Emulation.clearDeviceMetricsOverride")
        page.do("Emulation.setEmulatedMedia", features=[])
