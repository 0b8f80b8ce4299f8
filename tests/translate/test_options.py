"""Options: types, texts, merging and names (inference.md §9)."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_facade.errors import OllamaError
from ollama_facade.translate.dialect_table import dialect
from ollama_facade.translate.options import (
    check_options,
    load_options,
    merge_options,
    option_parameters,
    table,
    token_limit,
)
from tests.golden.recordings import cases

INTEGERS = [name for name, option in table().items() if option.type == "int"]
FLOATS = [name for name, option in table().items() if option.type == "float32"]


def test_the_table_has_every_option_of_ollama() -> None:
    names = (
        "num_ctx num_batch num_gpu main_gpu use_mmap num_thread draft_num_predict num_keep seed "
        "num_predict top_k top_p min_p typical_p repeat_last_n temperature repeat_penalty "
        "presence_penalty frequency_penalty stop"
    )
    assert " ".join(sorted(table())) == " ".join(sorted(names.split()))
    assert {option.type for option in table().values()} == {"int", "float32", "bool", "[]string"}


@pytest.mark.parametrize("name", INTEGERS)
@pytest.mark.parametrize("value", ["4096", True, [], {}])
def test_an_integer_option_takes_numbers_only(name: str, value: Any) -> None:
    with pytest.raises(OllamaError) as raised:
        check_options({name: value})
    assert raised.value.status == 500
    assert raised.value.message == f'option "{name}" must be of type integer'


@pytest.mark.parametrize("name", FLOATS)
@pytest.mark.parametrize("value", ["hot", False, [1]])
def test_a_float_option_takes_numbers_only(name: str, value: Any) -> None:
    with pytest.raises(OllamaError) as raised:
        check_options({name: value})
    assert raised.value.message == f'option "{name}" must be of type float32'


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"use_mmap": 1}, 'option "use_mmap" must be of type boolean'),
        ({"stop": "END"}, 'option "stop" must be of type array'),
        ({"stop": ["a", 1]}, 'option "stop" must be of an array of strings'),
        ({"stop": [None]}, 'option "stop" must be of an array of strings'),
    ],
)
def test_the_other_types_have_their_texts(options: dict[str, Any], message: str) -> None:
    with pytest.raises(OllamaError) as raised:
        check_options(options)
    assert (raised.value.status, raised.value.message) == (500, message)


REFUSED = [
    case
    for case in cases().values()
    if case.area == "options" and case.response["status"] == 500 and "body" in case.request
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_wrong_types_are_refused_as_recorded(case: Any) -> None:
    with pytest.raises(OllamaError) as raised:
        check_options(case.request["body"]["options"])
    assert raised.value.status == case.response["status"]
    assert [{"error": raised.value.message}] == case.documents()


@pytest.mark.parametrize(
    ("parameters", "options", "merged"),
    [
        ({}, None, {}),
        ({"temperature": 0.5}, {"temperature": 0.1}, {"temperature": 0.1}),
        ({"temperature": 0.5}, {"temperature": None}, {"temperature": 0.5}),
        ({"stop": ["a"]}, {"stop": ["b"]}, {"stop": ["b"]}),
        ({"stop": ["a"]}, {"stop": []}, {"stop": []}),
        ({}, {"Temperature": 0.1}, {}),
        ({}, {"nonsense": 1, "numa": True, "mirostat": 2}, {}),
        ({}, {"top_k": 3.9}, {"top_k": 3}),
        ({}, {"top_k": -3.9}, {"top_k": -3}),
        ({}, {"seed": 1e30}, {"seed": -(2**63)}),
        ({"seed": float("inf")}, {}, {"seed": -(2**63)}),
        ({"seed": float("nan")}, {}, {"seed": -(2**63)}),
        ({}, {"temperature": 1}, {"temperature": 1}),
    ],
)
def test_options_of_the_request_replace_those_of_the_model(
    parameters: dict[str, Any], options: dict[str, Any] | None, merged: dict[str, Any]
) -> None:
    assert merge_options(parameters, options) == merged


def test_a_wrong_parameter_of_the_model_is_refused_even_under_a_right_option() -> None:
    with pytest.raises(OllamaError, match='option "temperature" must be of type float32'):
        merge_options({"temperature": "hot"}, {"temperature": 1})


def test_options_without_a_parameter_are_named() -> None:
    values = {"top_k": 20, "temperature": 0.3, "num_ctx": 4096, "repeat_penalty": 1.2}
    assert option_parameters(values, dialect("default")) == (
        {"temperature": 0.3},
        ["top_k", "repeat_penalty"],
    )
    assert option_parameters(values, dialect("vllm")) == (
        {"top_k": 20, "temperature": 0.3, "repetition_penalty": 1.2},
        [],
    )


@pytest.mark.parametrize(
    ("values", "parameters"),
    [
        ({"seed": -1}, {}),
        ({"seed": 0}, {"seed": 0}),
        ({"stop": []}, {}),
        ({"stop": [""]}, {}),
        ({"stop": ["", "b"]}, {"stop": ["b"]}),
        ({"temperature": 0}, {"temperature": 0}),
        ({"temperature": -1}, {"temperature": -1}),
        ({"top_p": 5}, {"top_p": 5}),
    ],
)
def test_values_are_not_checked_but_random_and_empty_ones_are_left_out(
    values: dict[str, Any], parameters: dict[str, Any]
) -> None:
    assert option_parameters(values, dialect("default")) == (parameters, [])


@pytest.mark.parametrize(
    ("value", "context_length", "limit"),
    [
        (None, 4096, None),
        (-1, 4096, None),
        (-2, 4096, None),
        (0, 4096, 0),
        (50, 4096, 50),
        (40959, 4096, 40959),
        (40960, 4096, None),
        (1000000000, 4096, None),
        (1000000000, 0, 1000000000),
    ],
)
def test_a_limit_is_sent_where_ollama_has_one(
    value: int | None, context_length: int, limit: int | None
) -> None:
    values = {} if value is None else {"num_predict": value}
    assert token_limit(values, context_length) == limit


def test_load_options_are_those_of_the_request() -> None:
    assert load_options({"num_ctx": 1, "use_mmap": True, "seed": 1, "num_gpu": None}) == [
        "num_ctx",
        "use_mmap",
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*table(), "numa", ""]), JSON, max_size=6))
def test_any_options_are_read_or_refused_by_name(options: dict[str, Any]) -> None:
    values: dict[str, Any] = {}
    with contextlib.suppress(OllamaError):
        values = merge_options(None, options)
    assert set(values) <= set(table())
