"""JSON as Go writes it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_facade.golang.encode import dumps

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
ODD = st.floats(1e-7, 1e-4) | st.floats(1e14, 1e23) | st.integers(-9, 9).map(float)


def digits_of_go(value: float) -> str:
    """What `encoding/json` makes of a float64 (encode.go, floatEncoder)."""
    if value != 0 and not 1e-6 <= abs(value) < 1e21:
        mantissa, _, exponent = f"{Decimal(repr(value)):e}".partition("e")
        mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
        return f"{mantissa}e{int(exponent):+d}"
    text = f"{Decimal(repr(value)):f}"
    return text.removesuffix(".0")


@given(FLOATS | ODD | ODD.map(lambda one: -one))
def test_a_float_has_the_digits_of_go(value: float) -> None:
    assert dumps([value]) == f"[{digits_of_go(value)}]".encode()
    assert dumps({"a": value, "b": 1}) == f'{{"a":{digits_of_go(value)},"b":1}}'.encode()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([0.0, -0.0, 1.0, 100.0], "[0,-0,1,100]"),
        ([2e-6, -1.5e-6, 9e-7], "[0.000002,-0.0000015,9e-7]"),
        (
            [1e15, 1e16, 1e20, 1e21],
            "[1000000000000000,10000000000000000,100000000000000000000,1e+21]",
        ),
        ({"a": "1.0, 2e-6 \\", "b": '"1.0', "c": 1.0}, '{"a":"1.0, 2e-6 \\\\","b":"\\"1.0","c":1}'),
        ([10.05, 1.04, 2.0e-60], "[10.05,1.04,2e-60]"),
    ],
)
def test_numbers_and_not_texts_are_written_as_go_does(value: Any, text: str) -> None:
    assert dumps(value) == text.encode()


@given(
    st.recursive(
        st.none() | st.booleans() | FLOATS | ODD | st.text('1.0e-6+\\",]', max_size=9),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    )
)
def test_what_is_written_means_what_was_given(value: Any) -> None:
    assert json.loads(dumps(value), parse_int=float) == value
