import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_facade.golang.scanner import (
    MAX_DEPTH,
    MIN_SEARCHED_BYTES,
    GoSyntaxError,
    holds_more_than,
    scan_value,
)
from ollama_facade.golang.values import read

FAULTS = [
    # management.md §1.3, inference.md §1.1
    (b"", "missing request body"),
    (b" \t\r\n ", "missing request body"),
    (b'{"model":"x"', "unexpected EOF"),
    (b"model=x", "invalid character 'm' looking for beginning of value"),
    (b"hello", "invalid character 'h' looking for beginning of value"),
    (b'{model:"x"}', "invalid character 'm' looking for beginning of object key string"),
    (b"{'model':'x'}", r"invalid character '\'' looking for beginning of object key string"),
    (b'{"a":1,}', "invalid character '}' looking for beginning of object key string"),
    (b'{"a" 1}', "invalid character '1' after object key"),
    (b'{"a":1 "b":2}', "invalid character '\"' after object key:value pair"),
    (b"[1 2]", "invalid character '2' after array element"),
    (b'{"a":"x\ny"}', r"invalid character '\n' in string literal"),
    (b'{"a":tru}', "invalid character '}' in literal true (expecting 'e')"),
    # the rest of the states of Go's scanner
    (b"[1,]", "invalid character ']' looking for beginning of value"),
    (b"[,1]", "invalid character ',' looking for beginning of value"),
    (b"{,}", "invalid character ',' looking for beginning of object key string"),
    (b'{"a"]', "invalid character ']' after object key"),
    (b'{"a":1]', "invalid character ']' after object key:value pair"),
    (b"[1}", "invalid character '}' after array element"),
    (b'["\x00"]', r"invalid character '\x00' in string literal"),
    (b'"\\x"', "invalid character 'x' in string escape code"),
    (b'"\\u12G4"', "invalid character 'G' in \\u hexadecimal character escape"),
    (b"-x", "invalid character 'x' in numeric literal"),
    (b"[1.]", "invalid character ']' after decimal point in numeric literal"),
    (b"[1.e5]", "invalid character 'e' after decimal point in numeric literal"),
    (b"[1e]", "invalid character ']' in exponent of numeric literal"),
    (b"[1e+]", "invalid character ']' in exponent of numeric literal"),
    (b"[01]", "invalid character '1' after array element"),
    (b"[+1]", "invalid character '+' looking for beginning of value"),
    (b"fals ", "invalid character ' ' in literal false (expecting 'e')"),
    (b"nil", "invalid character 'i' in literal null (expecting 'u')"),
    (b"NaN", "invalid character 'N' looking for beginning of value"),
    (b"[Infinity]", "invalid character 'I' looking for beginning of value"),
    (b"[-Infinity]", "invalid character 'I' in numeric literal"),
    (b"\xef\xbb\xbf{}", "invalid character 'ï' looking for beginning of value"),
    (b"\x1f\x8b", r"invalid character '\x1f' looking for beginning of value"),
    (b"\x80", r"invalid character '\u0080' looking for beginning of value"),
    (b"\xa0{}", r"invalid character '\u00a0' looking for beginning of value"),
    (b"\\", r"invalid character '\\' looking for beginning of value"),
    (b"\x7f", r"invalid character '\x7f' looking for beginning of value"),
    (b"{\x00", r"invalid character '\x00' looking for beginning of object key string"),
    (b"[" * (MAX_DEPTH + 1), "exceeded max depth"),
    (b'{"a":' * 100_000, "exceeded max depth"),
]

FIRST_VALUES = [
    (b'{"a":1} trash', b'{"a":1}'),
    (b'{"a":1}{"b":2}', b'{"a":1}'),
    (b"  [1, 2 ,3]\n]", b"  [1, 2 ,3]"),
    (b'"x"junk', b'"x"'),
    (b"truex", b"true"),
    (b"01", b"0"),
    (b"5", b"5"),
    (b"-0.5e+3,", b"-0.5e+3"),
    (b'"\xff\\ud800\\n"', b'"\xff\\ud800\\n"'),
    (b'{"a":{"b":[{},[],"c",null]},"d":false}', b'{"a":{"b":[{},[],"c",null]},"d":false}'),
    (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, b"[" * MAX_DEPTH + b"]" * MAX_DEPTH),
]


@pytest.mark.parametrize(("body", "text"), FAULTS)
def test_a_syntax_error_has_the_text_of_go(body: bytes, text: str) -> None:
    with pytest.raises(GoSyntaxError) as fault:
        scan_value(body)
    assert str(fault.value) == text


@pytest.mark.parametrize("filling", [0, MIN_SEARCHED_BYTES])
@pytest.mark.parametrize("most", [0, 10, 64, 65, 500])
@pytest.mark.parametrize("opener", [b"{", b"[", b"{[", b"[{"])
def test_values_are_counted_in_a_long_body_as_in_a_short_one(
    opener: bytes, most: int, filling: int
) -> None:
    for values in {0, len(opener), most - most % len(opener), most + len(opener)}:
        body = b"x" * filling + opener * (values // len(opener)) + b"x" * filling
        assert holds_more_than(most, body) == (values > most)


@pytest.mark.parametrize(("body", "value"), FIRST_VALUES)
def test_only_the_first_value_is_read(body: bytes, value: bytes) -> None:
    assert scan_value(body) == value


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"gen","messages":[{"role":"user","content":"a\\u00e9\\n"}],"n":[-1.5e+3,0]}',
        b' {"stream" : false , "think":null,"options":{"a":{},"b":[true]}}',
        b"null",
    ],
)
def test_every_prefix_of_a_value_is_truncated_or_missing(body: bytes) -> None:
    for length in range(len(body)):
        prefix = body[:length]
        with pytest.raises(GoSyntaxError) as fault:
            scan_value(prefix)
        assert str(fault.value) == ("unexpected EOF" if prefix.strip() else "missing request body")
    assert scan_value(body) == body


@given(st.binary(max_size=60))
def test_any_bytes_are_a_value_or_a_fault(body: bytes) -> None:
    try:
        read(scan_value(body))
    except GoSyntaxError:
        return


JSON_BITS = [b'"', b"{", b"}", b"[", b"]", b",", b":", b"1", b"-", b"e", b".", b" ", b"\\", b"true"]


@given(st.lists(st.sampled_from([*JSON_BITS, b"\\u00", b"a", b"\n", b"\xff"]), max_size=20))
def test_what_the_scanner_takes_the_reader_can_read(bits: list[bytes]) -> None:
    try:
        value = scan_value(b"".join(bits))
    except GoSyntaxError:
        return
    read(value)
