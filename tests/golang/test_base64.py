import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_facade.golang.base64 import corrupt_at

# What base64.StdEncoding of Go 1.26 says; None where it decodes.
TEXTS = [
    ("", None),
    ("QUJD", None),
    ("QUI=", None),
    ("QQ==", None),
    ("QUJD\r\nQQ==\n", None),
    ("Q\nQ\r=\n=\n", None),
    ("QR==", None),  # bits that do not count are not looked at
    ("data:image/png;base64,iVBORw0K", 4),
    ("QUJDRA", 4),
    ("_-8=", 0),
    ("!!", 0),
    ("Q", 0),
    ("QUJDQ", 4),
    ("QUJDQU\n", 5),  # the offset of a short end counts back over line breaks
    ("QQ=", 3),
    ("QQ=Q", 2),
    ("QQ=\nQ", 3),
    ("QQ==QQ==", 4),
    ("QUI=x", 4),
    ("=", 0),
    ("Q===", 1),
    ("QUJD=", 4),
    ("QUJD====", 4),
    ("QU JD", 2),
    ("é", 0),
    ("QUJDé", 4),
]


@pytest.mark.parametrize(("text", "offset"), TEXTS)
def test_the_offset_is_that_of_go(text: str, offset: int | None) -> None:
    assert corrupt_at(text) == offset


@given(st.binary(max_size=40), st.integers(1, 9))
def test_any_encoded_bytes_are_good_with_and_without_line_breaks(data: bytes, width: int) -> None:
    text = base64.b64encode(data).decode()
    assert corrupt_at(text) is None
    lines = "\r\n".join(text[at : at + width] for at in range(0, len(text), width))
    assert corrupt_at(lines) is None


@given(st.text(alphabet="QU+/=\n-é", max_size=12))
def test_an_offset_lies_inside_the_text(text: str) -> None:
    offset = corrupt_at(text)
    assert offset is None or 0 <= offset <= len(text.encode())
