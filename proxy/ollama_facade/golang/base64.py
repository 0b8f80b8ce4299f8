"""Checks base64 as Go's `base64.StdEncoding` does (inference.md §2.4)."""

from __future__ import annotations

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_BREAKS = b"\r\n"
_PAD = ord("=")


def corrupt_at(text: str) -> int | None:
    """Returns N of Go's `illegal base64 data at input byte N`; None when the text is valid.

    The standard alphabet with padding; carriage returns and line feeds are ignored.
    """
    data = text.encode("utf-8", "replace")
    if _is_usual(data):
        return None
    position = 0
    pending = 0  # characters of the present group of four
    while position < len(data):
        byte = data[position]
        position += 1
        if byte in _ALPHABET:
            pending = (pending + 1) % 4
        elif byte == _PAD:
            return _padding_error(data, position, pending)
        elif byte not in _BREAKS:
            return position - 1
    # Go counts back over the characters of the open group, as if no line break stood in it.
    return position - pending if pending else None


def _padding_error(data: bytes, position: int, pending: int) -> int | None:
    """Returns the offset of an error in the padding that begins before `position`."""
    if pending < 2:
        return position - 1
    if pending == 2:
        position = _after_breaks(data, position)
        if position == len(data):
            return position
        if data[position] != _PAD:
            return position - 1
        position += 1
    position = _after_breaks(data, position)
    return position if position < len(data) else None


def _after_breaks(data: bytes, position: int) -> int:
    while position < len(data) and data[position] in _BREAKS:
        position += 1
    return position


def _is_usual(data: bytes) -> bool:
    """Tests quickly for valid text without line breaks; False does not mean that it is invalid."""
    rest = data.translate(None, _ALPHABET)
    return len(data) % 4 == 0 and rest in (b"", b"=", b"==") and data.endswith(rest)
