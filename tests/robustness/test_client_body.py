"""faults.md rows 1 to 21: bodies that no client should send, and some do."""

from __future__ import annotations

import gzip
import json
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import raw
from tests.robustness.bench import CHAT, LIMIT, Bench, error_of

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg"
    "=="
)


def refused(bench: Bench, body: bytes, path: str = "/api/chat") -> str:
    answered = bench.post(body, path)
    assert answered.status == 400, answered.text
    assert answered.header("content-type") == "application/json; charset=utf-8"
    return error_of(answered)


@pytest.mark.parametrize(
    ("body", "text"),
    (
        (b"{b}", "invalid character 'b' looking for beginning of object key string"),
        (b"{'a':1}", "invalid character '\\'' looking for beginning of object key string"),
        (b"nope", "invalid character 'o' in literal null (expecting 'u')"),
        (b'{"model":"a",}', "invalid character '}' looking for beginning of object key string"),
        (b'{"model" "a"}', "invalid character '\"' after object key"),
        (b'{"model":"a" "b"}', "invalid character '\"' after object key:value pair"),
        (b'{"messages":[1 2]}', "invalid character '2' after array element"),
        (b'{"model":"a\nb"}', "invalid character '\\n' in string literal"),
        (b'{"model":"\\x"}', "invalid character 'x' in string escape code"),
        (b"<html>", "invalid character '<' looking for beginning of value"),
    ),
)
def test_r01_malformed_json_is_refused_in_gos_words(bench: Bench, body: bytes, text: str) -> None:
    assert refused(bench, body) == text


def test_r02_every_beginning_of_a_body_is_an_unexpected_end(bench: Bench) -> None:
    whole = json.dumps({"model": "native", "options": {"seed": 1.5}, "x": [True, None]}).encode()
    with bench.connected() as client:
        for end in range(1, len(whole)):
            host = {"Host": "localhost"}
            client.send(raw.request_bytes("POST", "/api/chat", host, whole[:end]))
            answered = client.read_answer()
            assert (answered.status, answered.json()) == (400, {"error": "unexpected EOF"})


@pytest.mark.parametrize("body", (b"", b" ", b"\n\t "))
def test_r03_a_missing_body_is_named(bench: Bench, body: bytes) -> None:
    for path in ("/api/chat", "/api/generate", "/api/show", "/api/copy"):
        assert refused(bench, body, path) == "missing request body"


def test_r04_null_is_an_empty_object(bench: Bench) -> None:
    for path in ("/api/chat", "/api/generate", "/api/show"):
        null, empty = bench.post(b"null", path), bench.post(b"{}", path)
        assert (null.status, null.body) == (empty.status, empty.body)
        assert null.status in (400, 404)


@pytest.mark.parametrize(
    "body", (b"[]", b'"a"', b"7", b'{"model":7}', b'{"messages":{}}', b'{"stream":"yes"}')
)
def test_r05_a_value_of_a_wrong_type_is_named(bench: Bench, body: bytes) -> None:
    assert refused(bench, body).startswith("json: cannot unmarshal ")


def test_r06_a_body_that_says_it_is_too_long_is_refused_unread(bench: Bench) -> None:
    with bench.connected() as client:
        head = f"POST /api/chat HTTP/1.1\r\nHost: localhost\r\nContent-Length: {10**10}\r\n\r\n"
        client.send(head.encode())
        answered = client.read_answer()
        assert (answered.status, error_of(answered)) == (413, "request body too large")
        assert answered.header("connection") == "close"
        client.shutdown()
        assert client.file.read() == b""


def test_r07_a_body_without_a_length_is_refused_when_it_is_too_long(bench: Bench) -> None:
    before = bench.forget_peak()
    piece = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    with bench.connected() as client:
        client.send(
            b"POST /api/chat HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        for _ in range(2 + LIMIT // 65536):
            client.send(piece)
        answered = client.read_answer()
        with suppress(ConnectionResetError):
            assert client.file.read() == b""
    assert (answered.status, error_of(answered)) == (413, "request body too large")
    assert bench.peak() - before < 15


def test_r08_nesting_beyond_500_levels_is_refused(bench: Bench) -> None:
    def nested(levels: int) -> bytes:
        inside = b"[" * (levels - 1) + b"]" * (levels - 1)
        return b'{"model":"native","x":' + inside + b"}"

    assert bench.post(nested(499)).status == 200
    for levels in (501, 990, 10_000):
        assert refused(bench, nested(levels)) == "exceeded max depth"


@pytest.mark.parametrize(
    ("body", "status"),
    (
        (b"{" + b",".join(b'"%d":1' % number for number in range(80_000)) + b"}", 400),
        (b'{"model":"native","messages":[' + b",".join([b"{}"] * 200_000) + b"]}", 413),
        (b'{"model":"native","messages":[' + b",".join([b"{}"] * 16_000) + b"]}", 200),
        (b'{"' + b"k" * 1_000_000 + b'":1}', 400),
    ),
    ids=("keys", "too many messages", "messages", "key"),
)
def test_r09_many_small_things_cost_little(bench: Bench, body: bytes, status: int) -> None:
    before, worked = bench.forget_peak(), bench.worked()
    assert bench.post(body).status == status
    # Six times the limit of a body and the limit of a line (P5).
    assert bench.peak() - before <= 6 + 8
    # What the process itself did, however busy the machine is.
    assert bench.worked() - worked < 2


@pytest.mark.parametrize(
    ("number", "as_whole", "as_duration"),
    (
        (b"1" * 5000, 400, 400),
        (b"1e999", 400, 400),
        (b"-1e999", 400, 400),
        (b"1.5", 400, 200),
        (b"1e-999", 400, 200),
        (b"-0", 200, 200),
        (b"00", 400, 400),
        (b"1.", 400, 400),
    ),
)
def test_r10_odd_numbers_are_taken_or_refused_and_break_nothing(
    bench: Bench, number: bytes, as_whole: int, as_duration: int
) -> None:
    for name, status in ((b"top_logprobs", as_whole), (b"keep_alive", as_duration)):
        answered = bench.post(b'{"model":"native","%s":%s}' % (name, number))
        assert answered.status == status, answered.text
        if status == 400:
            assert error_of(answered).startswith(("json: cannot unmarshal ", "invalid character "))


@pytest.mark.parametrize("word", (b"NaN", b"Infinity", b"-Infinity"))
def test_r11_what_only_python_takes_for_a_number_is_refused(bench: Bench, word: bytes) -> None:
    text = refused(bench, b'{"model":"native","options":{"seed":%s}}' % word)
    assert text.startswith("invalid character ")


def test_r12_the_last_of_two_equal_keys_counts(bench: Bench) -> None:
    assert bench.post(b'{"model":"x","model":"native"}').json()["model"] == "native"


def test_r13_keys_count_in_any_case(bench: Bench) -> None:
    answered = bench.post(b'{"Model":"native","KEEP_ALIVE":"5m","STREAM":false}')
    assert answered.json()["model"] == "native"


@pytest.mark.parametrize(
    ("sent", "arrives"),
    (
        (b"\xff", "\ufffd"),
        (b"\xe4\xb8", "\ufffd\ufffd"),
        (b"\\ud800", "\ufffd"),
        (b"\\ud83d\\ude00", "\U0001f600"),
        (b"\\u0000", "\x00"),
    ),
)
def test_r14_text_that_is_none_becomes_replacement_marks(
    bench: Bench, sent: bytes, arrives: str
) -> None:
    body = b'{"model":"native","messages":[{"role":"user","content":"a%sb"}]}' % sent
    assert bench.post(body).status == 200
    [requested] = bench.upstream.generations()
    requested.data.decode("utf-8")
    assert requested.body["messages"][0]["content"] == f"a{arrives}b"


@pytest.mark.parametrize(
    ("content_type", "body"),
    (
        ("application/json", b'\xef\xbb\xbf{"model":"native"}'),
        ("application/json; charset=utf-16", '{"model":"native"}'.encode("utf-16")),
    ),
)
def test_r15_other_encodings_are_refused(bench: Bench, content_type: str, body: bytes) -> None:
    answered = bench.post(body, headers={"Content-Type": content_type})
    assert answered.status == 400
    assert error_of(answered).startswith("invalid character ")
    plain = bench.post(b'{"model":"native"}', headers={"Content-Type": "text/plain; charset=nope"})
    assert plain.status == 200


@pytest.mark.parametrize(
    "content_type",
    ("", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"),
)
def test_r16_the_content_type_does_not_matter(bench: Bench, content_type: str) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    assert bench.post({"model": "native"}, headers=headers).status == 200


def test_r17_a_compressed_body_is_not_inflated(bench: Bench) -> None:
    bomb = gzip.compress(b" " * 10_000_000 + b"{}")
    before = bench.forget_peak()
    answered = bench.post(bomb, headers={"Content-Encoding": "gzip"})
    assert answered.status == 400
    assert error_of(answered).startswith("invalid character ")
    assert bench.peak() - before < 8


@pytest.mark.parametrize(
    ("inside", "status", "text"),
    (
        (b" " * 100_000_000 + b"{}", 400, "http: request body too large"),
        (b" " * (LIMIT + 1), 400, "http: request body too large"),
        (b"[" + b"{}," * 300_000 + b"{}]", 413, "request body has too many values"),
        (b'{"model":"native","messages":[{"role":"user","content":"Hi"}]}', 200, ""),
    ),
    ids=("a bomb", "over the limit", "many values", "a good one"),
)
def test_r17_what_is_inflated_on_v1_is_held_to_the_same_limits(
    bench: Bench, inside: bytes, status: int, text: str
) -> None:
    """Ollama takes zstd there, as OpenAI's own tools send it."""
    packed = zstd.compress(inside)
    before = bench.forget_peak()
    answered = bench.post(packed, "/v1/chat/completions", {"Content-Encoding": "zstd"})
    assert answered.status == status, answered.text
    assert text in answered.text
    assert bench.peak() - before < 6 + 8


def image(bench: Bench, *images: str) -> raw.Answer:
    message = {"role": "user", "content": "Hi", "images": list(images)}
    return bench.post({"model": "vision", "messages": [message]})


@pytest.mark.parametrize(
    ("text", "position"),
    (
        ("data:image/png;base64," + PIXEL, 4),
        ("not base64!", 3),
        ("a b=", 1),
        ("https://example.org/cat.png", 5),
    ),
)
def test_r18_an_image_that_is_no_base64_is_refused(bench: Bench, text: str, position: int) -> None:
    answered = image(bench, text)
    assert answered.status == 400
    assert f"illegal base64 data at input byte {position}" in error_of(answered)


@pytest.mark.parametrize(
    "text",
    ("http://127.0.0.1:{port}/x", "file:///etc/passwd", "http://169.254.169.254/latest/meta-data/"),
)
def test_r19_nobody_fetches_an_image(bench: Bench, text: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.settimeout(0.1)
        assert image(bench, text.format(port=trap.getsockname()[1])).status == 400
        with pytest.raises(TimeoutError):
            trap.accept()
    assert bench.upstream.generations() == []


def test_r20_images_are_passed_on_and_never_opened(bench: Bench) -> None:
    before = bench.forget_peak()
    assert image(bench, *[PIXEL] * 500).status == 200
    [requested] = bench.upstream.generations()
    parts = requested.body["messages"][0]["content"]
    assert sum(part["type"] == "image_url" for part in parts) == 500
    assert image(bench, "A" * (2 * LIMIT)).status == 413
    vector = "PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciLz4="
    assert image(bench, vector).status == 200
    [requested] = bench.upstream.generations()[-1:]
    assert requested.body["messages"][0]["content"][-1]["image_url"]["url"].endswith(vector)
    assert bench.peak() - before < 6 + 8


KNOWN = {
    *("model", "messages", "stream", "stream_options", "temperature", "top_p", "seed", "stop"),
    *("max_tokens", "max_completion_tokens", "frequency_penalty", "presence_penalty", "logprobs"),
    *("top_logprobs", "response_format", "tools", "reasoning_effort", "top_k", "min_p", "n"),
    *(
        "repeat_penalty",
        "repetition_penalty",
        "chat_template_kwargs",
        "cache_prompt",
        "parse_tool_calls",
    ),
}
HOSTILE = ("api_base", "base_url", "extra_body", "extra_headers", "model_kwargs", "api_key", "url")


@given(
    extra=st.dictionaries(
        st.sampled_from(HOSTILE) | st.text(st.characters(categories=("L", "N")), min_size=3),
        st.text(max_size=5) | st.dictionaries(st.sampled_from(HOSTILE), st.text(max_size=5)),
        max_size=5,
    )
)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_r21_what_ollama_does_not_know_is_never_passed_on(
    bench: Bench, extra: dict[str, Any]
) -> None:
    bench.upstream.turns([{}])
    words = {key: value for key, value in extra.items() if key.lower() not in _ours()}
    answered = bench.post({**words, **CHAT, "options": words, "stream": False})
    assert answered.status == 200, answered.text
    [requested] = bench.upstream.generations()
    assert requested.body.keys() <= KNOWN
    assert not any(key in requested.data.decode() for key in words if key in HOSTILE)


def _ours() -> Iterator[str]:
    """Ollama's own words, which are not what this is about."""
    yield from ("format", "options", "think", "truncate", "shift", "keep_alive", "tools", "stream")
    yield from ("model", "messages", "logprobs", "top_logprobs", "template", "system")
