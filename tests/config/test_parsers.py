"""Ollama's reading of environment variables (management.md §6)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_facade.config import parsers

MINUTE = 60_000_000_000


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("", ("127.0.0.1", 11434)),
        ("1.2.3.4", ("1.2.3.4", 11434)),
        ("1.2.3.4:80", ("1.2.3.4", 80)),
        (":1234", ("", 1234)),
        ("example.com", ("example.com", 11434)),
        ("example.com:1234", ("example.com", 1234)),
        ("[::1]", ("::1", 11434)),
        ("::1", ("::1", 11434)),
        ("[::]", ("::", 11434)),
        ("[::1]:99", ("::1", 99)),
        ("http://1.2.3.4", ("1.2.3.4", 80)),
        ("https://1.2.3.4", ("1.2.3.4", 443)),
        ("http://1.2.3.4:99", ("1.2.3.4", 99)),
        ("https://example.com/ollama", ("example.com", 443)),
        ("ollama.com", ("ollama.com", 443)),
        (":0", ("", 0)),
        ("1234", ("1234", 11434)),
        ("example.com:99/ollama", ("example.com", 99)),
    ],
)
def test_every_form_of_ollama_host_is_read(text: str, address: tuple[str, int]) -> None:
    assert parsers.read_address(text) == address


@pytest.mark.parametrize("text", [":66000", ":-1", "1.2.3.4:", "a:b", ":1e3", ":99999999999"])
def test_an_invalid_port_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a port"):
        parsers.read_address(text)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [(" 1.2.3.4 ", "1.2.3.4"), ("'1.2.3.4'", "1.2.3.4"), ('" a "', " a "), ("", ""), ("'", "")],
)
def test_white_space_then_quotes_are_stripped(text: str, cleaned: str) -> None:
    assert parsers.clean(text) == cleaned


@pytest.mark.parametrize("text", ["1", "t", "T", "TRUE", "true", "True", "yes", "random", "no"])
def test_true_is_what_go_calls_true_and_any_other_text(text: str) -> None:
    assert parsers.read_bool(text)


@pytest.mark.parametrize("text", ["", "0", "f", "F", "FALSE", "false", "False"])
def test_false_is_what_go_calls_false(text: str) -> None:
    assert not parsers.read_bool(text)


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("5m", 5 * MINUTE),
        ("1h30m", 90 * MINUTE),
        ("1.5m", 90_000_000_000),
        (".5s", 500_000_000),
        ("300", 5 * MINUTE),
        ("+5m", 5 * MINUTE),
        ("0", 0),
        ("0s", 0),
        ("10us", 10_000),
        ("10µs", 10_000),
        ("-1", -1),
        ("-5m", -1),
    ],
)
def test_a_keep_alive_is_a_duration_or_seconds(text: str, nanoseconds: int) -> None:
    assert parsers.read_keep_alive(text) == nanoseconds


@pytest.mark.parametrize("text", ["1d", "???", "m", "5m ", "5 m", "1.", "-", "9999999h", "1" * 30])
def test_a_keep_alive_that_go_does_not_read_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        parsers.read_keep_alive(text)


@pytest.mark.parametrize("text", ["-1", "+1", "1.5", "0x10", "1e3", "", "٣", "1" * 40])
def test_an_unsigned_number_has_digits_only(text: str) -> None:
    with pytest.raises(ValueError, match="whole number"):
        parsers.read_unsigned(text)


def test_a_list_has_commas_or_line_ends_between_its_entries() -> None:
    assert parsers.read_list("a, b,,c\nd\n") == ("a", "b", "c", "d")


@given(st.text())
def test_readers_raise_nothing_but_value_error(text: str) -> None:
    for reader in (
        parsers.read_address,
        parsers.read_keep_alive,
        parsers.read_unsigned,
    ):
        try:
            reader(text)
        except ValueError:
            continue
