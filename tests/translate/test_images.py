"""Images as data URLs (inference.md §2.4)."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_facade.translate.images import media_parts


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n", "png"),
        (b"\xff\xd8\xff\xe0", "jpeg"),
        (b"GIF89a", "gif"),
        (b"GIF87a", "gif"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "webp"),
        (b"BM1234", "bmp"),
        (b"<svg/>", "png"),
        (b"", "png"),
    ],
)
def test_the_first_bytes_determine_the_kind(head: bytes, kind: str) -> None:
    data = encoded(head + b"\0" * 60 if head else b"")
    assert media_parts([data]) == [
        {"type": "image_url", "image_url": {"url": f"data:image/{kind};base64,{data}"}}
    ]


@pytest.mark.parametrize(
    ("head", "format"),
    [(b"RIFF\x10\0\0\0WAVEfmt ", "wav"), (b"ID3\4", "mp3"), (b"\xff\xfb\x90", "mp3")],
)
def test_audio_is_sent_as_audio(head: bytes, format: str) -> None:
    data = encoded(head)
    assert media_parts([data]) == [
        {"type": "input_audio", "input_audio": {"data": data, "format": format}}
    ]


@pytest.mark.parametrize(
    ("item", "url"),
    [
        (None, "data:image/png;base64,"),
        ("", "data:image/png;base64,"),
        ([137, 80], "data:image/png;base64,iVA="),
        ("iVBO\r\nRw0K\nGgo=", "data:image/png;base64,iVBORw0KGgo="),
    ],
)
def test_every_form_that_go_accepts_is_accepted(item: Any, url: str) -> None:
    assert media_parts([item])[0]["image_url"]["url"] == url


@given(st.lists(st.binary(max_size=50), max_size=4))
def test_any_bytes_make_one_part_each(images: list[bytes]) -> None:
    assert len(media_parts([encoded(image) for image in images])) == len(images)
