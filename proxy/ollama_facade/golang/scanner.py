"""Scans the first JSON value of a body and reports syntax errors as Go does.

Go's `encoding/json` checks the syntax of a whole value, byte by byte, before it decodes any of it,
and names the byte that it does not accept (management.md §1.3). What follows the first value is
ignored. The texts are those of Go 1.26.
"""

from __future__ import annotations

import re
from typing import NoReturn

from ollama_facade.golang.encode import quote

MAX_DEPTH = 500
"""Levels of nested arrays and objects. Go allows 10,000; Python has less stack."""

MIN_SEARCHED_BYTES = 64 * 1024
"""Size from which `holds_more_than` searches for openers instead of counting them."""

_MAX_SEARCHED_OPENERS = 64

MISSING = "missing request body"
TRUNCATED = "unexpected EOF"
TOO_DEEP = "exceeded max depth"

_DIGITS = re.compile(rb"[0-9]*")
# Valid text and members without nesting are skipped at once; the rest is read byte by byte.
_VALID_TEXT = rb'(?:[^"\\\x00-\x1f]++|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*+'
_SCALAR = (
    rb'(?:"' + _VALID_TEXT + rb'"|-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][-+]?[0-9]++)?'
    rb"|true|false|null)"
)
_BLANK = rb"[ \t\r\n]*+"
_COMMA = _BLANK + rb"," + _BLANK
_KEY = rb'"' + _VALID_TEXT + rb'"' + _BLANK + rb":" + _BLANK
_TEXT = re.compile(_VALID_TEXT)
_BLANKS = re.compile(_BLANK)
_ELEMENTS = re.compile(rb"(?:" + _SCALAR + _COMMA + rb")*+")
_MEMBERS = re.compile(rb"(?:" + _KEY + _SCALAR + _COMMA + rb")*+")
_HEXADECIMAL = b"0123456789abcdefABCDEF"
_ESCAPES = b'bfnrt\\/"'
_LITERALS = {ord("t"): b"true", ord("f"): b"false", ord("n"): b"null"}


class GoSyntaxError(ValueError):
    """The body holds no JSON value; the message is Go's."""


def holds_more_than(most: int, body: bytes) -> bool:
    """Tests whether `body` has more than `most` brackets that open, those in strings included.

    A long body with few of them (an image) is searched, which is thirty times as fast as counting.
    """
    if len(body) > MIN_SEARCHED_BYTES:
        openers = 0
        for opener in (b"{", b"["):
            position = body.find(opener)
            while position >= 0 and openers <= _MAX_SEARCHED_OPENERS:
                openers += 1
                position = body.find(opener, position + 1)
        if openers <= _MAX_SEARCHED_OPENERS:
            return openers > most
    return body.count(b"{") + body.count(b"[") > most


def scan_value(body: bytes) -> bytes:
    """Returns `body` up to the end of its first JSON value.

    Raises GoSyntaxError with Go's text: `missing request body` when there are only blanks,
    `exceeded max depth` beyond MAX_DEPTH levels.
    """
    start = _after_blanks(body, 0)
    if start == len(body):
        raise GoSyntaxError(MISSING)
    try:
        return body[: _value_end(body, start)]
    except IndexError:
        # Every step below reads the byte it needs, so this is the end of a body that goes on.
        raise GoSyntaxError(TRUNCATED) from None


def _value_end(body: bytes, position: int) -> int:
    """Returns the index after the value at `position`. Raises IndexError when it does not end."""
    closers = bytearray()
    while True:
        opener = body[position]
        if opener in b"{[":
            closers.append(ord("}") if opener == ord("{") else ord("]"))
            if len(closers) > MAX_DEPTH:
                raise GoSyntaxError(TOO_DEEP)
            position = _after_blanks(body, position + 1)
            if body[position] == closers[-1]:
                position += 1
                closers.pop()
            else:
                position = _next_member(body, position, closers[-1])
                continue
        else:
            position = _scalar_end(body, position)
        # A value is complete: close what closes, up to the next comma.
        while closers:
            position = _after_blanks(body, position)
            following = body[position]
            position += 1
            if following == ord(","):
                position = _next_member(body, _after_blanks(body, position), closers[-1])
                break
            if following != closers[-1]:
                in_object = closers[-1] == ord("}")
                _refuse(
                    following, f"after {'object key:value pair' if in_object else 'array element'}"
                )
            closers.pop()
        else:
            return position


def _next_member(body: bytes, position: int, closer: int) -> int:
    """Returns the index of the value of the member or element at `position`."""
    if closer == ord("]"):
        return _end(_ELEMENTS, body, position)
    position = _end(_MEMBERS, body, position)
    if body[position] != ord('"'):
        _refuse(body[position], "looking for beginning of object key string")
    position = _after_blanks(body, _text_end(body, position + 1))
    if body[position] != ord(":"):
        _refuse(body[position], "after object key")
    return _after_blanks(body, position + 1)


def _scalar_end(body: bytes, position: int) -> int:
    first = body[position]
    if first == ord('"'):
        return _text_end(body, position + 1)
    if first == ord("-") or _is_digit(first):
        return _number_end(body, position)
    literal = _LITERALS.get(first)
    if literal is None:
        _refuse(first, "looking for beginning of value")
    for expected in literal[1:]:
        position += 1
        if body[position] != expected:
            _refuse(body[position], f"in literal {literal.decode()} (expecting '{chr(expected)}')")
    return position + 1


def _text_end(body: bytes, position: int) -> int:
    """Returns the index after the closing quote of the string that begins before `position`."""
    while True:
        position = _end(_TEXT, body, position)
        stop = body[position]
        if stop == ord('"'):
            return position + 1
        if stop != ord("\\"):
            _refuse(stop, "in string literal")
        escape = body[position + 1]
        position += 2
        if escape == ord("u"):
            for _ in range(4):
                if body[position] not in _HEXADECIMAL:
                    _refuse(body[position], "in \\u hexadecimal character escape")
                position += 1
        elif escape not in _ESCAPES:
            _refuse(escape, "in string escape code")


def _number_end(body: bytes, position: int) -> int:
    if body[position] == ord("-"):
        position += 1
        _need_digit(body, position, "in numeric literal")
    # After a leading zero the number is over, or goes on with a fraction or an exponent.
    position = position + 1 if body[position] == ord("0") else _end(_DIGITS, body, position)
    if body[position : position + 1] == b".":
        position += 1
        _need_digit(body, position, "after decimal point in numeric literal")
        position = _end(_DIGITS, body, position)
    if body[position : position + 1] in (b"e", b"E"):
        position += 1
        if body[position] in b"+-":
            position += 1
        _need_digit(body, position, "in exponent of numeric literal")
        position = _end(_DIGITS, body, position)
    return position


def _need_digit(body: bytes, position: int, place: str) -> None:
    if not _is_digit(body[position]):
        _refuse(body[position], place)


def _is_digit(byte: int) -> bool:
    return ord("0") <= byte <= ord("9")


def _after_blanks(body: bytes, position: int) -> int:
    return _end(_BLANKS, body, position)


def _end(pattern: re.Pattern[bytes], body: bytes, position: int) -> int:
    match = pattern.match(body, position)
    return match.end() if match else position


def _refuse(byte: int, place: str) -> NoReturn:
    """Raises with the byte quoted as a character, also inside a UTF-8 sequence, as Go does."""
    character = chr(byte)
    quoted = {"'": "\\'", '"': '"'}.get(character) or quote(character)[1:-1]
    raise GoSyntaxError(f"invalid character '{quoted}' {place}")
