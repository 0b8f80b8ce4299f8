"""How Go compares the key of an object with the name of a struct field."""

from __future__ import annotations

# Simple case folding brings exactly two characters outside ASCII to a letter of a field's name.
_FOLDING = {
    **{ord(letter): letter.upper() for letter in "abcdefghijklmnopqrstuvwxyz"},
    0x017F: "S",  # the long s
    0x212A: "K",  # the Kelvin sign
}


def fold(key: str) -> str:
    """The key as it is compared: two keys name the same field when they fold to the same text.

    Right for the ASCII names that Ollama's fields have (inference.md §1, rule 5).
    """
    return key.translate(_FOLDING)
