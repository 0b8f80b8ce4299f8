import math

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_facade.golang.scanner import MAX_DEPTH
from ollama_facade.golang.values import (
    Members,
    NumberRangeError,
    is_deeper_than,
    number,
    plain,
    read,
)

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@given(JSON)
def test_a_plain_value_is_what_orjson_reads(value: object) -> None:
    encoded = orjson.dumps(value)
    assert plain(read(encoded)) == orjson.loads(encoded)


def test_a_key_that_comes_twice_is_there_twice_and_the_last_counts() -> None:
    members = read(b'{"a":1,"b":2,"a":3}')
    assert isinstance(members, Members)
    assert [key for key, _ in members.pairs] == ["a", "b", "a"]
    assert plain(members) == {"a": 3, "b": 2}


@pytest.mark.parametrize(
    ("encoded", "text"),
    [
        (b'"\xff"', "\ufffd"),
        (b'"a\xe2\x82b"', "a\ufffd\ufffdb"),  # one for every byte, as Go
        (b'"\xed\xa0\x80"', "\ufffd\ufffd\ufffd"),
        (b'"\\ud800"', "\ufffd"),
        (b'"\\ud800\\ud83d\\ude00"', "\ufffd\U0001f600"),
        (b'"\\udc00x"', "\ufffdx"),
        (b'"\\u0000"', "\0"),
    ],
)
def test_what_is_no_unicode_becomes_the_replacement_character(encoded: bytes, text: str) -> None:
    assert plain(read(encoded)) == text
    assert plain(read(b"{%b:1}" % encoded)) == {text: 1}


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ("0", 0),
        ("-0", 0),
        ("18446744073709551615", 2**64 - 1),
        ("18446744073709551616", float(2**64)),
        ("-9223372036854775809", -float(2**63)),
        ("5.0", 5.0),
        ("1e3", 1000.0),
        ("1e-999", 0.0),
        ("1" + "0" * 300, 1e300),
    ],
)
def test_a_number_is_an_integer_as_far_as_64_bits_go(literal: str, value: float) -> None:
    assert number(literal) == value
    assert type(number(literal)) is type(value)


@pytest.mark.parametrize("literal", ["1e999", "-1e400", "1" * 5000, "-" + "9" * 5000])
def test_a_number_beyond_a_float64_is_named(literal: str) -> None:
    with pytest.raises(NumberRangeError) as error:
        plain(read(b"[%b]" % literal.encode()))
    assert error.value.literal == literal


def test_the_deepest_value_fits_on_the_stack() -> None:
    value = plain(read(b'{"a":' * MAX_DEPTH + b"1" + b"}" * MAX_DEPTH))
    assert not is_deeper_than(MAX_DEPTH, value)
    assert is_deeper_than(MAX_DEPTH - 1, value)


@given(JSON, st.integers(0, 5))
def test_the_depth_of_any_value_is_counted(value: object, levels: int) -> None:
    def depth(item: object) -> int:
        if isinstance(item, dict):
            return 1 + max(map(depth, item.values()), default=0)
        return 1 + max(map(depth, item), default=0) if isinstance(item, list) else 0

    assert is_deeper_than(levels, value) == (depth(value) > levels)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_float_is_read_back(value: float) -> None:
    assert math.isclose(number(repr(value)), value, rel_tol=0, abs_tol=0)
