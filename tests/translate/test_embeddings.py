"""Embeddings: inputs, vectors, digits (inference.md §7, §8; faults.md row 82)."""

from __future__ import annotations

import base64
import hashlib
import math
import struct
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_facade.errors import BackendError, OllamaError
from ollama_facade.golang.encode import dumps
from ollama_facade.translate.embeddings import (
    Vectors,
    digits,
    embed_answer,
    embeddings_answer,
    read_inputs,
    read_prompt_tokens,
    read_vectors,
    unit_vectors,
)
from tests.golden.recordings import Case, cases

FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


def answer(*vectors: Any) -> dict[str, Any]:
    return {"data": [{"index": at, "embedding": vector} for at, vector in enumerate(vectors)]}


def vectors(*rows: list[float]) -> Vectors:
    return np.array(rows, dtype=np.float32)


def packed(*values: float) -> str:
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()


@pytest.mark.parametrize(
    ("value", "inputs"),
    [
        (None, []),
        ("", []),
        ([], []),
        ("a", ["a"]),
        (["a"], ["a"]),
        ([""], [""]),
        (["a", "b", "a"], ["a", "b", "a"]),
    ],
)
def test_an_input_is_a_text_or_a_list_of_texts(value: Any, inputs: list[str]) -> None:
    assert read_inputs(value) == inputs


@pytest.mark.parametrize("value", [5, True, {}, ["a", 1], [["a"]], [None]])
def test_any_other_input_is_refused(value: Any) -> None:
    with pytest.raises(OllamaError) as raised:
        read_inputs(value)
    assert (raised.value.status, raised.value.message) == (400, "invalid input type")


def test_vectors_come_as_numbers_or_as_base64() -> None:
    assert read_vectors(answer([1, 0.5], packed(1, 0.5)), 2).tolist() == [[1, 0.5]] * 2


def test_vectors_are_put_in_the_order_of_the_inputs() -> None:
    data = [{"index": 1, "embedding": [2]}, {"index": 0, "embedding": [1]}]
    assert read_vectors({"data": data}, 2).tolist() == [[1], [2]]


def test_vectors_without_a_number_stay_in_their_order() -> None:
    for index in ({}, {"index": 0}, {"index": None}):
        data = [{"embedding": [2], **index}, {"embedding": [1], **index}]
        assert read_vectors({"data": data}, 2).tolist() == [[2], [1]]


@pytest.mark.parametrize(
    "broken",
    [
        None,
        [],
        {},
        {"data": None},
        {"data": [1]},
        answer(),
        answer([1], [2], [3]),
        answer([1], [1, 2]),
        answer([], []),
        answer(None, [1]),
        answer("!", [1]),
        answer("AAA=", [1]),
        answer([True], [1]),
        answer(["1"], [1]),
        {"data": [{"index": 0, "embedding": [1]}, {"index": "1"}]},
    ],
)
def test_an_answer_that_is_not_two_vectors_is_the_backends_failure(broken: Any) -> None:
    with pytest.raises(BackendError) as raised:
        read_vectors(broken, 2)
    assert raised.value.status == 502


def test_a_numbering_with_repetitions_is_the_backends_failure() -> None:
    data = [{"index": at, "embedding": [1]} for at in (0, 1, 1)]
    with pytest.raises(BackendError):
        read_vectors({"data": data}, 3)


@pytest.mark.parametrize(
    "vector",
    [[math.nan], [math.inf], [None], packed(math.nan), packed(-math.inf), [1e300], [10**400]],
)
def test_what_is_no_number_is_refused_in_ollamas_words(vector: Any) -> None:
    with pytest.raises(OllamaError) as raised:
        read_vectors(answer(vector), 1)
    assert (raised.value.status, raised.value.message) == (
        400,
        "embedding contains NaN or Inf values",
    )


@pytest.mark.parametrize(
    ("body", "tokens"),
    [
        ({"usage": {"prompt_tokens": 7}}, 7),
        ({"usage": None}, 0),
        ({"usage": {"prompt_tokens": True}}, 0),
        ({"usage": {"prompt_tokens": "7"}}, 0),
        ([], 0),
    ],
)
def test_tokens_are_what_the_backend_says(body: Any, tokens: int) -> None:
    assert read_prompt_tokens(body) == tokens


SKY = [-1.3125, 1.78125, -0.796875, 0.90625, -0.515625, 0.75, 0.546875, -1.78125]


def test_a_cut_vector_has_length_one_again() -> None:
    [unit] = unit_vectors(vectors(SKY), 4).tolist()
    assert len(unit) == 4
    assert math.hypot(*unit) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("dimensions", [None, 0, -1, 8, 100000])
def test_dimensions_that_cut_nothing_are_ignored(dimensions: int | None) -> None:
    assert (unit_vectors(vectors(SKY), dimensions) == unit_vectors(vectors(SKY))).all()


def test_a_zero_vector_stays_zero() -> None:
    assert embed_answer("m", vectors([0, 0])) == b'{"model":"m","embeddings":[[0,0]]}'
    assert digits(vectors([0.0, 1.0, -1.0, 1e30])) == [b"[0,1,-1,1e+30]"]


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=8))
def test_a_unit_vector_has_length_one_or_zero(values: list[float]) -> None:
    length = math.hypot(*unit_vectors(vectors(values))[0].tolist())
    assert length == pytest.approx(1, abs=1e-5) or max(map(abs, values)) < 1e-6


@given(st.lists(st.lists(st.floats(-1, 1, width=32), min_size=3, max_size=3), min_size=1))
def test_vectors_do_not_change_each_other(rows: list[list[float]]) -> None:
    together = digits(unit_vectors(vectors(*rows)))
    assert together == [text for row in rows for text in digits(unit_vectors(vectors(row)))]


def runner_vector(text: str) -> list[float]:
    """What the recorded runner answered for a text."""
    digest = hashlib.sha256(text.encode()).digest()
    return [round((digest[at] - 128) / 64, 6) for at in range(8)]


RECORDED = [
    case
    for case in cases().values()
    if case.area in ("embed", "embeddings")
    and case.response["status"] == 200
    and "word word" not in str(case.request)  # cut by the runner's tokenizer
]


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: case.name)
def test_vectors_are_printed_as_recorded(case: Case) -> None:
    body = case.request["body"]
    if case.area == "embed":
        inputs = read_inputs(body.get("input"))
        raw = read_vectors(answer(*map(runner_vector, inputs)), len(inputs)) if inputs else None
        made: Any = embed_answer("emb", raw, body.get("dimensions"))
    else:
        prompt = body.get("prompt")
        made = embeddings_answer(vectors(runner_vector(prompt)) if prompt else None)
    text = (made if isinstance(made, bytes) else dumps(made)).decode()
    assert case.text().startswith(text[:-1])


@given(st.lists(FLOATS, min_size=1, max_size=6))
def test_the_digits_tell_the_value_and_are_few(values: list[float]) -> None:
    shortest = orjson.loads(digits(vectors(values))[0])
    for value, short in zip(values, shortest, strict=True):
        assert np.float32(short) == np.float32(value)
        candidates = [float(f"{value:.{count}g}") for count in range(1, 9)]
        with np.errstate(over="ignore"):
            fewest = [one for one in candidates if np.float32(one) == np.float32(value)]
        if fewest and not value.is_integer():
            assert short == fewest[0]


def test_embed_answers_with_unit_vectors_and_then_metrics() -> None:
    made = embed_answer(
        "emb",
        vectors([3, 4]),
        None,
        {"total_duration": 5, "load_duration": 0, "prompt_eval_count": 3},
    )
    assert made == (
        b'{"model":"emb","embeddings":[[0.6,0.8]],"total_duration":5,"prompt_eval_count":3}'
    )


def test_embeddings_answers_with_the_vector_as_it_came() -> None:
    """The digits of a double, as Ollama prints the widened float32 (golden embeddings/prompt)."""
    assert embeddings_answer(vectors([0.1, -1.3125, 2])) == {
        "embedding": [0.10000000149011612, -1.3125, 2]
    }
    assert embeddings_answer(None) == {"embedding": []}
