"""Base64 as Go's `base64.StdEncoding` takes it (inference.md §2.4)."""

from __future__ import annotations

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_BREAKS = b"\r\n"
_PAD = ord("=")


def corrupt_at(text: str) -> int | None:
    """N of Go's `illegal base64 data at input byte N`, an offset in bytes; None for a good text.

    The standard alphabet with padding; carriage returns and line feeds do not count.
    """
    data = text.encode("utf-8", "replace")
    if _is_plainly_good(data):
        return None
    # Whole groups of four up to the first odd character are good; only the rest needs care.
    position = 0
    held = 0  # characters of the group of four so far
    while position < len(data):
        byte = data[position]
        position += 1
        if byte in _ALPHABET:
            held = (held + 1) % 4
        elif byte == _PAD:
            return _padding_fault(data, position, held)
        elif byte not in _BREAKS:
            return position - 1
    # Go counts back over the characters of the open group, as if no line break stood in it.
    return position - held if held else None


def _padding_fault(data: bytes, position: int, held: int) -> int | None:
    """The fault in what begins with the padding character before `position`."""
    if held < 2:
        return position - 1
    if held == 2:
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


def _is_plainly_good(data: bytes) -> bool:
    """Quick proof for the usual text: whole groups, no line break. False proves nothing."""
    rest = data.translate(None, _ALPHABET)
    return len(data) % 4 == 0 and rest in (b"", b"=", b"==") and data.endswith(rest)
