"""A form as bytes as its fields (RFC 7578; management.md §4.6)."""

from __future__ import annotations

import pytest

from ollama_facade.errors import OllamaError
from ollama_facade.translate.forms import Field, read_form

FORM = 'multipart/form-data; boundary="b c"'
BODY = (
    b'--b c\r\nContent-Disposition: form-data; name="model"\r\n\r\nm\r\n'
    b'--b c\r\nContent-Disposition: form-data; name="model"\r\n\r\nsecond\r\n'
    b"--b c\r\nContent-Disposition: form-data\r\n\r\nnameless\r\n"
    b'--b c\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    b"\x00\r\n\xff\r\n"
    b"--b c--\r\n"
)


def test_the_first_field_of_a_name_counts_and_a_file_keeps_its_bytes() -> None:
    assert read_form(FORM, BODY) == {"model": Field(b"m"), "file": Field(b"\x00\r\n\xff", "a.wav")}


def test_invalid_utf_8_is_replaced() -> None:
    assert Field(b"a\xff").text == "a\ufffd"


@pytest.mark.parametrize(
    ("content_type", "body", "text"),
    [
        ("application/json", BODY, "request Content-Type isn't multipart/form-data"),
        ("", BODY, "request Content-Type isn't multipart/form-data"),
        ("multipart/form-data", BODY, "no multipart boundary param in Content-Type"),
        (FORM, b"", "multipart: NextPart: EOF"),
        (FORM, BODY[:-6], "multipart: NextPart: EOF"),
    ],
)
def test_an_invalid_form_is_refused_with_gos_text(
    content_type: str, body: bytes, text: str
) -> None:
    with pytest.raises(OllamaError) as refused:
        read_form(content_type, body)
    assert refused.value.status == 400
    assert refused.value.message == f"failed to parse multipart form: {text}"
