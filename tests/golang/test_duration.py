import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_facade.clock import SECOND
from ollama_facade.errors import OllamaError
from ollama_facade.golang.duration import FOREVER, parse_duration, parse_keep_alive

MINUTE = 60 * SECOND
HOUR = 60 * MINUTE

DURATIONS = [
    ("0", 0),
    ("+0", 0),
    ("-0", 0),
    ("0s", 0),
    ("5m", 5 * MINUTE),
    ("1h30m", 90 * MINUTE),
    ("-1.5s", -1_500_000_000),
    ("+5s", 5 * SECOND),
    (".5s", SECOND // 2),
    ("1.s", SECOND),
    ("1ns2us3µs4μs5ms", 5_009_001),
    ("1m1h", 61 * MINUTE),
    ("0.33333333333333333333h", 20 * MINUTE),
    ("9223372036854775807ns", 2**63 - 1),
    ("-9223372036854775808ns", -(2**63)),
    ("9223372036854775.807us", 2**63 - 1),
    ("0.9223372036854775807h", 3320413933267),
    ("2562047h47m16.854775807s", 2**63 - 1),
]

FAULTS = [
    ("", 'time: invalid duration ""'),
    ("-", 'time: invalid duration "-"'),
    ("abc", 'time: invalid duration "abc"'),
    ("true", 'time: invalid duration "true"'),
    (".s", 'time: invalid duration ".s"'),
    (" 5m", 'time: invalid duration " 5m"'),
    ("300", 'time: missing unit in duration "300"'),
    ("-1", 'time: missing unit in duration "-1"'),
    ("1h30", 'time: missing unit in duration "1h30"'),
    ("1..5s", 'time: missing unit in duration "1..5s"'),
    ("5x", 'time: unknown unit "x" in duration "5x"'),
    ("1d", 'time: unknown unit "d" in duration "1d"'),
    ("5m ", 'time: unknown unit "m " in duration "5m "'),
    ("1h-30m", 'time: unknown unit "h-" in duration "1h-30m"'),
    ("5M", 'time: unknown unit "M" in duration "5M"'),
    ("9223372036854775808ns", 'time: invalid duration "9223372036854775808ns"'),
    ("9223372036854775809x", 'time: invalid duration "9223372036854775809x"'),
    ("2562048h", 'time: invalid duration "2562048h"'),
    ("1" * 5000, f'time: invalid duration "{"1" * 5000}"'),
    ('1"\\', r'time: unknown unit "\"\\" in duration "1\"\\"'),
    ("1é\n", r'time: unknown unit "\xc3\xa9\x0a" in duration "1\xc3\xa9\x0a"'),
]


@pytest.mark.parametrize(("text", "nanoseconds"), DURATIONS)
def test_a_duration_is_read_as_go_reads_it(text: str, nanoseconds: int) -> None:
    assert parse_duration(text) == nanoseconds


@pytest.mark.parametrize(("text", "problem"), FAULTS)
def test_a_bad_duration_has_the_text_of_go(text: str, problem: str) -> None:
    with pytest.raises(ValueError) as fault:
        parse_duration(text)
    assert str(fault.value) == problem


@pytest.mark.parametrize(
    ("value", "nanoseconds"),
    [
        (None, None),
        (0, 0),
        (-0.0, 0),
        (60, MINUTE),
        (42.5, 42_500_000_000),
        (-1, FOREVER),
        (-0.5, FOREVER),
        (1e300, FOREVER),
        (9223372036.9, FOREVER),
        ("5m", 5 * MINUTE),
        ("0", 0),
        ("-1m", FOREVER),
    ],
)
def test_a_keep_alive_is_nanoseconds_or_forever(value: object, nanoseconds: int | None) -> None:
    assert parse_keep_alive(value) == nanoseconds


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (True, "Unsupported type: 'bool'"),
        ([], "Unsupported type: '[]interface {}'"),
        ({}, "Unsupported type: 'map[string]interface {}'"),
        ("-1", 'time: missing unit in duration "-1"'),
    ],
)
def test_a_bad_keep_alive_is_status_400(value: object, problem: str) -> None:
    with pytest.raises(OllamaError) as error:
        parse_keep_alive(value)
    assert (error.value.status, error.value.message) == (400, problem)


@given(st.text(alphabet='0159.-+smhnuµ" x', max_size=12))
def test_any_text_is_a_duration_of_64_bits_or_a_fault(text: str) -> None:
    try:
        nanoseconds = parse_duration(text)
    except ValueError:
        return
    assert -(2**63) <= nanoseconds < 2**63
