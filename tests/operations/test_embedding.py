"""Where the arithmetic of large embeddings is done."""

from __future__ import annotations

import asyncio
import threading
from array import array

import pytest

from ollama_facade.operations.embedding import computed
from ollama_facade.translate import matrix
from ollama_facade.translate.embeddings import MANY


def thread_of(numbers: int, monkeypatch: pytest.MonkeyPatch, *, numpy: bool = False) -> int:
    monkeypatch.setattr(matrix, "AVAILABLE", numpy)
    vectors = [array("f", bytes(4 * numbers // 2))] * 2
    return asyncio.run(computed(vectors, threading.get_ident))


def test_the_loop_does_not_stand_still_for_many_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    assert thread_of(MANY, monkeypatch) != threading.get_ident()


def test_what_is_quickly_done_costs_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    assert thread_of(MANY - 2, monkeypatch) == threading.get_ident()
    assert thread_of(MANY, monkeypatch, numpy=True) == threading.get_ident()
    assert asyncio.run(computed([], threading.get_ident)) == threading.get_ident()
