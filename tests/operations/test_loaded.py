"""What counts as loaded, and for how long (inference.md §14)."""

from __future__ import annotations

import pytest

from ollama_facade.clock import SECOND
from ollama_facade.config.settings import Settings
from ollama_facade.operations.loaded import FOREVER, MAX_MODELS, Loaded
from ollama_facade.translate.models import Model
from tests.operations.recorded import Hands

MINUTE = 60 * SECOND


def _model(name: str = "a:latest", context_length: int = 0) -> Model:
    return Model(name, name, digest="0" * 64, modified_at=0, context_length=context_length)


def _names(loaded: Loaded) -> list[str]:
    return [entry.model.name for entry in loaded.entries()]


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def loaded(clock: Hands) -> Loaded:
    return Loaded(clock, Settings())


def test_a_model_stays_for_the_default_keep_alive(loaded: Loaded, clock: Hands) -> None:
    loaded.load(_model())
    assert loaded.entries()[0].expires_at == clock.wall() + 5 * MINUTE
    clock.pass_by(299)
    assert _names(loaded) == ["a:latest"]
    clock.pass_by(1)
    assert _names(loaded) == []


def test_a_keep_alive_holds_for_later_requests_that_name_none(loaded: Loaded, clock: Hands) -> None:
    loaded.load(_model(), 30 * MINUTE)
    loaded.load(_model())
    assert loaded.entries()[0].keep_alive == 30 * MINUTE
    clock.pass_by(30 * 60)
    loaded.load(_model())
    assert loaded.entries()[0].keep_alive == 5 * MINUTE


def test_each_use_starts_the_time_again(loaded: Loaded, clock: Hands) -> None:
    loaded.load(_model())
    clock.pass_by(200)
    loaded.load(_model())
    clock.pass_by(200)
    assert _names(loaded) == ["a:latest"]


@pytest.mark.parametrize("keep_alive", (-1, -MINUTE, FOREVER + 1))
def test_a_negative_or_too_long_keep_alive_is_for_ever(
    keep_alive: int, loaded: Loaded, clock: Hands
) -> None:
    loaded.load(_model(), keep_alive)
    clock.pass_by(200 * 365 * 86_400)
    assert loaded.entries()[0].keep_alive == FOREVER


def test_a_keep_alive_of_zero_unloads(loaded: Loaded) -> None:
    loaded.load(_model())
    loaded.load(_model(), 0)
    assert _names(loaded) == []


def test_unloading_what_is_not_loaded_is_no_failure(loaded: Loaded) -> None:
    loaded.unload(_model())
    assert _names(loaded) == []


def test_the_default_of_the_settings_may_be_for_ever_or_not_at_all(clock: Hands) -> None:
    for_ever = Loaded(clock, Settings(keep_alive=-1))
    for_ever.load(_model())
    assert for_ever.entries()[0].keep_alive == FOREVER
    not_at_all = Loaded(clock, Settings(keep_alive=0))
    not_at_all.load(_model())
    assert _names(not_at_all) == []


def test_the_one_that_stays_longest_comes_first(loaded: Loaded) -> None:
    for name, keep_alive in (("a", MINUTE), ("b", -1), ("c", 2 * MINUTE)):
        loaded.load(_model(name), keep_alive)
    assert _names(loaded) == ["b", "c", "a"]


def test_the_context_is_the_requests_else_the_models_else_the_default(loaded: Loaded) -> None:
    loaded.load(_model("asked", 8192), context_length=1024)
    loaded.load(_model("asked", 8192))
    loaded.load(_model("known", 512))
    loaded.load(_model("unknown"))
    assert {entry.model.name: entry.context_length for entry in loaded.entries()} == {
        "asked": 1024,
        "known": 512,
        "unknown": 4096,
    }


def test_only_so_many_models_are_remembered(loaded: Loaded) -> None:
    loaded.load(_model("kept"), -1)
    for number in range(MAX_MODELS + 5):
        loaded.load(_model(f"m{number}"))
    assert len(loaded.entries()) == MAX_MODELS
    assert _names(loaded)[0] == "kept"
