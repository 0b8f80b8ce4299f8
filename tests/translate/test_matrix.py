"""The arithmetic of many vectors beside that of one."""

from __future__ import annotations

import json
from array import array
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_facade.golang.encode import dumps
from ollama_facade.translate import matrix
from ollama_facade.translate.embeddings import digits, embed_answer, shortest, unit_vector

WITH_NUMPY = pytest.mark.skipif(not matrix.AVAILABLE, reason="numpy comes with the extra `fast`")
NUMBERS = st.floats(width=32, allow_nan=False, allow_infinity=False)


def one_by_one(vectors: Sequence[array[float]], dimensions: int | None) -> list[list[float]]:
    return [shortest(unit_vector(vector, dimensions)) for vector in vectors]


@WITH_NUMPY
@pytest.mark.filterwarnings("ignore:overflow")
@given(
    vectors=st.integers(1, 9).flatmap(
        lambda size: st.lists(
            st.lists(NUMBERS | st.floats(-1, 1, width=32), min_size=size, max_size=size),
            min_size=1,
            max_size=4,
        )
    ),
    dimensions=st.none() | st.integers(-1, 10),
)
def test_many_vectors_are_as_one_by_one(vectors: list[list[float]], dimensions: int | None) -> None:
    arrays = [array("f", vector) for vector in vectors]
    try:
        expected = one_by_one(arrays, dimensions)
    except (OverflowError, ValueError):
        return
    texts = list(map(dumps, expected))
    assert matrix.digits(matrix.unit_vectors(arrays, dimensions)) == texts
    assert matrix.unit_digits(arrays, dimensions) == texts


@WITH_NUMPY
def test_a_large_answer_is_made_at_once_and_a_small_one_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []
    monkeypatch.setattr(matrix, "digits", lambda *one: asked.append(one) or [])
    monkeypatch.setattr(matrix, "unit_digits", lambda *one: asked.append(one) or [])
    large = [array("f", [3.0, 4.0] * (matrix.FEWEST // 2))]
    assert digits(large) == []
    assert embed_answer("m", large) == b'{"model":"m","embeddings":[]}'
    assert digits([array("f", [3.0, 0.5])]) == [b"[3,0.5]"]
    assert embed_answer("m", [array("f", [3, 4])]) == b'{"model":"m","embeddings":[[0.6,0.8]]}'
    assert len(asked) == 2


def test_without_numpy_a_large_answer_is_made_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix, "AVAILABLE", False)
    large = [array("f", [3.0, 4.0] * (matrix.FEWEST // 2))]
    [vector] = json.loads(embed_answer("m", large))["embeddings"]
    assert len(vector) == matrix.FEWEST


def test_nothing_is_not_many() -> None:
    assert not matrix.is_for([])
