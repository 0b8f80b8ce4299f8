"""Where the first JSON value of a body ends, or what Go's scanner says of it.

Go's `encoding/json` checks the syntax of a whole value, byte by byte, before it decodes any of it,
and names the byte that it could not take (management.md §1.3). What follows the first value is not
looked at. The texts are those of Go 1.26.
"""

from __future__ import annotations

import re
from typing import NoReturn

from ollama_facade.golang.quote import quote

DEEPEST = 500
"""How many arrays and objects may stand in one another. Go allows 10,000; we have less stack."""

LONG = 64 * 1024
"""Bytes of a body that is not counted when it has few values."""

_FEW = 64

MISSING = "missing request body"
TRUNCATED = "unexpected EOF"
TOO_DEEP = "exceeded max depth"

_DIGITS = re.compile(rb"[0-9]*")
# Good text and good plain members are skipped in one go; whatever stops that is looked at by byte.
_GOOD_TEXT = rb'(?:[^"\\\x00-\x1f]++|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*+'
_GOOD_SCALAR = (
    rb'(?:"' + _GOOD_TEXT + rb'"|-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][-+]?[0-9]++)?'
    rb"|true|false|null)"
)
_BLANK = rb"[ \t\r\n]*+"
_COMMA = _BLANK + rb"," + _BLANK
_KEY = rb'"' + _GOOD_TEXT + rb'"' + _BLANK + rb":" + _BLANK
_TEXT = re.compile(_GOOD_TEXT)
_BLANKS = re.compile(_BLANK)
_ELEMENTS = re.compile(rb"(?:" + _GOOD_SCALAR + _COMMA + rb")*+")
_MEMBERS = re.compile(rb"(?:" + _KEY + _GOOD_SCALAR + _COMMA + rb")*+")
_HEXADECIMAL = b"0123456789abcdefABCDEF"
_ESCAPES = b'bfnrt\\/"'
_LITERALS = {ord("t"): b"true", ord("f"): b"false", ord("n"): b"null"}


class GoSyntaxError(ValueError):
    """The body holds no JSON value; the text is Go's."""


def holds_more_than(most: int, body: bytes) -> bool:
    """Whether more than `most` objects and lists begin in `body`; those in its texts count too.

    A body that is long and has few of them is a picture, say: to look for the next one is thirty
    times as fast as to count.
    """
    if len(body) > LONG:
        found = 0
        for opener in (b"{", b"["):
            position = body.find(opener)
            while position >= 0 and found <= _FEW:
                found += 1
                position = body.find(opener, position + 1)
        if found <= _FEW:
            return found > most
    return body.count(b"{") + body.count(b"[") > most


def scan_value(body: bytes) -> bytes:
    """The first JSON value of `body`, with the blanks before it and without what follows it.

    Raises SyntaxFault with Go's text, with `missing request body` when there is nothing but blanks,
    and with `exceeded max depth` beyond DEEPEST levels.
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
    """Index after the value at `position`. Raises IndexError when the body ends before it."""
    closers = bytearray()
    while True:
        opener = body[position]
        if opener in b"{[":
            closers.append(ord("}") if opener == ord("{") else ord("]"))
            if len(closers) > DEEPEST:
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
    """Index of the value of the member or element at `position`, past its key if it has one."""
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
    """Index after the closing quote of the string whose inside begins at `position`."""
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
    """Go quotes the one byte as a character of its own, even inside a longer UTF-8 sequence."""
    character = chr(byte)
    quoted = {"'": "\\'", '"': '"'}.get(character) or quote(character)[1:-1]
    raise GoSyntaxError(f"invalid character '{quoted}' {place}")
