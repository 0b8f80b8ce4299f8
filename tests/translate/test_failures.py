from typing import Any

import pytest
from hypothesis import given

from ollama_facade.translate.failures import MESSAGE_LIMIT, failure_status, failure_text
from tests.translate.test_chunks import JSON


@pytest.mark.parametrize(
    ("body", "text"),
    (
        ({"error": "x"}, "x"),
        ({"error": {"message": "x", "type": "t"}}, "x"),
        ({"message": "x"}, "x"),
        ({"detail": "x"}, "x"),
        ({"detail": [{"loc": ["body"], "msg": "none"}, {"msg": "too big"}]}, "none; too big"),
        ([{"error": {"message": "x"}}], "x"),
        ({"object": "error", "message": "x", "code": 400}, "x"),
        ("plain text", "plain text"),
        ("<!DOCTYPE html><html>no</html>", ""),
        ("  <html>", ""),
        ({"error": "a\r\nb\x1b[31mc\x00"}, "a b c"),
        ({"error": "key sk-abcdef123456 refused"}, "key *** refused"),
        (5, ""),
        (None, ""),
    ),
)  # fmt: skip
def test_the_message_is_found_in_every_known_shape(body: Any, text: str) -> None:
    assert failure_text(body) == text


@given(JSON)
def test_any_body_gives_one_short_printable_line(body: Any) -> None:
    text = failure_text(body)
    assert len(text) <= MESSAGE_LIMIT
    assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 for c in text)
    status = failure_status(body)
    assert status is None or 400 <= status <= 599


def test_a_long_message_is_cut() -> None:
    assert len(failure_text("x" * 10_000)) == MESSAGE_LIMIT
