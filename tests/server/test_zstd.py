"""Compressed bodies: made whole, bounded, refused in Ollama's words."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_facade.errors import OllamaError
from ollama_facade.server.zstd import FAILED, LARGEST, TOO_LARGE, decompressed

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=4))
def test_a_body_of_any_number_of_frames_is_what_it_was(parts: list[bytes]) -> None:
    assert decompressed(b"".join(zstd.compress(part) for part in parts)) == b"".join(parts)


@given(st.binary(min_size=1, max_size=64))
def test_bytes_that_are_no_frame_are_refused(body: bytes) -> None:
    if not body.startswith(b"\x28\xb5\x2f\xfd") and body[1:4] != b"\x2a\x4d\x18":
        with pytest.raises(OllamaError, match=FAILED):
            decompressed(body)


def test_a_frame_that_is_cut_off_is_refused() -> None:
    with pytest.raises(OllamaError, match=FAILED):
        decompressed(zstd.compress(b'{"model": "x"}' * 100)[:-5])


@pytest.mark.parametrize("zeros", [LARGEST + 1, 40 * LARGEST])
def test_a_bomb_is_refused_before_it_is_whole(zeros: int) -> None:
    bomb = zstd.compress(bytes(LARGEST)) * (zeros // LARGEST) + zstd.compress(b"0")
    with pytest.raises(OllamaError, match=TOO_LARGE) as caught:
        decompressed(bomb)
    assert caught.value.status == 400


def test_a_lower_limit_of_the_operator_counts() -> None:
    body = zstd.compress(bytes(1000))
    assert len(decompressed(body, 1000)) == 1000
    with pytest.raises(OllamaError, match=TOO_LARGE):
        decompressed(body, 999)


def test_the_largest_body_passes() -> None:
    assert len(decompressed(zstd.compress(bytes(LARGEST)))) == LARGEST
