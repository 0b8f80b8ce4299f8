"""A child that ends is started again, ever more slowly."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from ollama_facade.embedded import supervisor
from ollama_facade.embedded.supervisor import Supervisor
from ollama_facade.errors import SettingsError


class Child:
    def __init__(self, ended: Callable[[str], None], *, fails: bool = False) -> None:
        self.ended, self.fails, self.stopped = ended, fails, False

    def address(self, timeout: float) -> str:
        if self.fails:
            raise SettingsError("does not start")
        return "http://here"

    def stop(self) -> None:
        self.stopped = True


class Nursery:
    """Starts children and records the lines."""

    def __init__(self, *failing: int) -> None:
        self.children: list[Child] = []
        self.lines: list[str] = []
        self.failing = failing
        self.well = threading.Event()

    def start(self, ended: Callable[[str], None]) -> Child:
        self.children.append(Child(ended, fails=len(self.children) in self.failing))
        return self.children[-1]

    def notify(self, text: str) -> None:
        self.lines.append(text)
        if text == "it serves again":
            self.well.set()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "MIN_DELAY_SECONDS", 0.01)


def test_a_child_that_ends_is_restarted() -> None:
    nursery = Nursery()
    supervised = Supervisor(nursery.start, nursery.notify, 1.0)
    assert supervised.address() == "http://here"
    nursery.children[0].ended("gone")
    assert nursery.well.wait(10)
    supervised.stop()
    assert nursery.lines == ["gone", "it is started again in 0.01 s", "it serves again"]
    assert [child.stopped for child in nursery.children] == [True, True]


def test_a_failed_start_is_repeated_after_twice_the_delay() -> None:
    nursery = Nursery(1, 2)
    supervised = Supervisor(nursery.start, nursery.notify, 1.0)
    supervised.address()
    nursery.children[0].ended("gone")
    assert nursery.well.wait(10)
    supervised.stop()
    waits = [text for text in nursery.lines if "started again" in text]
    assert waits == [f"it is started again in {wait} s" for wait in (0.01, 0.02, 0.04)]
    assert nursery.lines.count("does not start") == 2
    assert len(nursery.children) == 4


def test_a_failed_first_start_is_an_error() -> None:
    nursery = Nursery(0)
    supervised = Supervisor(nursery.start, nursery.notify, 1.0)
    with pytest.raises(SettingsError):
        supervised.address()
    supervised.stop()
    assert (len(nursery.children), nursery.lines) == (1, [])


def test_nothing_is_started_after_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "MIN_DELAY_SECONDS", 60.0)
    nursery = Nursery()
    supervised = Supervisor(nursery.start, nursery.notify, 1.0)
    supervised.address()
    nursery.children[0].ended("gone")
    supervised.stop()
    assert len(nursery.children) == 1
