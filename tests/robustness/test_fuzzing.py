"""Whatever bytes come from either side, the service answers properly or says one error.

`make fuzz` runs the same for much longer: the number of examples is that of hypothesis' profile.
"""

from __future__ import annotations

import itertools
import json
import re
import sys
from contextlib import suppress

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import raw
from tests.robustness.bench import HI, Bench, error_of
from tests.upstream import cut, opened, reset, sliced
from tests.upstream import raw as raw_bytes

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

# After every example the service is asked whether it is well, so shrinking one costs little.
FUZZ = settings(deadline=None, suppress_health_check=list(HealthCheck))

WORDS = st.sampled_from(
    (
        *(b"GET ", b"POST ", b"/", b"/api/chat", b"/v1/chat/completions", b"/api/embed", b"?a=b"),
        *(b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", b" HTTP/2.0\r\n", b"\r\n", b"\n", b"\r", b": ", b" "),
        *(b"Host: localhost\r\n", b"Host: evil.example\r\n", b"Connection: close\r\n", b"\x00"),
        *(b"Content-Length: 2\r\n", b"Content-Length: -1\r\n", b"Transfer-Encoding: chunked\r\n"),
        *(
            b"Expect: 100-continue\r\n",
            b"Upgrade: h2c\r\n",
            b"Origin: null\r\n",
            b"{}",
            b"0\r\n\r\n",
        ),
        *(b"2\r\n{}\r\n", b"ffffffffffffffffff\r\n", b'{"model":"native"}', b"%", b"..", b"\xff"),
    )
)
PIECES = st.lists(WORDS | st.binary(max_size=6), max_size=14)


@given(pieces=PIECES, whole=st.booleans())
@FUZZ
def test_any_bytes_of_a_client_are_answered_or_cut(
    bench: Bench, pieces: list[bytes], whole: bool
) -> None:
    head = b"POST /api/chat HTTP/1.1\r\nHost: localhost\r\n" if whole else b""
    came = b""
    with bench.connected(2) as client, suppress(ConnectionError):
        client.send(head + b"".join(pieces))
        client.shutdown()
        came = client.file.read()
    assert came == b"" or re.match(rb"HTTP/1\.[01] [1-4]\d\d ", came), came[:200]
    assert b"Traceback" not in came
    assert b"internal server error" not in came
    assert bench.get("/api/version").status == 200


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    (
        *("model", "messages", "prompt", "options", "stream", "format", "think", "tools", "input"),
        *("keep_alive", "suffix", "raw", "images", "context", "system", "template", "logprobs"),
        *("top_logprobs", "max_tokens", "stop", "response_format", "metadata", "instructions"),
        *("max_output_tokens", "tool_choice", "stream_options", "reasoning", "thinking", "n"),
        *("stop_sequences", "dimensions", "encoding_format", "text", "top_k", "seed"),
    )
)
API = ("/api/chat", "/api/generate", "/api/embed", "/api/embeddings", "/api/show", "/api/create")
V1 = (
    *("/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/messages"),
    "/v1/responses",
)
ROLES = st.sampled_from(("user", "assistant", "system", "tool", "developer", ""))
TYPES = st.sampled_from(
    (
        *("text", "image", "image_url", "input_text", "output_text", "input_image", "tool_use"),
        *("tool_result", "thinking", "function_call", "function_call_output", "message", "x"),
    )
)
PARTS = st.dictionaries(
    st.sampled_from(("type", "text", "source", "image_url", "content", "input", "name", "id")),
    VALUES | TYPES,
    max_size=4,
)
TURNS = st.lists(
    st.fixed_dictionaries({"role": ROLES, "content": st.text(max_size=5) | st.lists(PARTS)})
    | st.dictionaries(FIELDS, VALUES, max_size=2),
    max_size=3,
)
BODIES = st.builds(
    lambda fields, turns, real: {
        **fields,
        **({"messages": turns, "input": turns} if turns else {}),
        **({"model": "native", "max_tokens": 9} if real else {}),
    },
    st.dictionaries(FIELDS, VALUES, max_size=5),
    TURNS,
    st.booleans(),
)
STATUSES = (200, 400, 401, 403, 404, 405, 413, 500, 501, 502)
"""Ollama itself says 500 of an option or a format that it cannot use."""


@given(path=st.sampled_from(API + V1), body=BODIES)
@FUZZ
def test_any_body_is_answered(bench: Bench, path: str, body: dict[str, object]) -> None:
    answered = bench.post({**body, **({} if body.get("messages") else {"messages": HI})}, path)
    assert answered.status in STATUSES, answered.text
    assert b"internal server error" not in answered.body
    assert not answered.cut


def chunked(data: bytes, places: list[int], extension: bytes, trailer: bytes) -> bytes:
    """The body in chunks that end at these places."""
    ends = sorted({min(place, len(data)) for place in places} | {len(data)})
    pieces = [data[start:end] for start, end in itertools.pairwise([0, *ends]) if start < end]
    body = b"".join(b"%x%s\r\n%s\r\n" % (len(one), extension, one) for one in pieces)
    return body + b"0\r\n" + trailer + b"\r\n"


@given(
    path=st.sampled_from(API + V1),
    body=BODIES,
    places=st.lists(st.integers(1, 200), max_size=6),
    extension=st.sampled_from((b"", b";a", b';a="b"')),
    trailer=st.sampled_from((b"", b"X-Trailer: 1\r\n")),
)
@FUZZ
def test_however_a_body_is_framed_the_answer_is_the_same(
    bench: Bench,
    path: str,
    body: dict[str, object],
    places: list[int],
    extension: bytes,
    trailer: bytes,
) -> None:
    data = json.dumps(body).encode()
    plain = bench.post(data, path)
    head = {"Host": "localhost", "Transfer-Encoding": "chunked"}
    with bench.connected() as client:
        client.send(raw.request_bytes("POST", path, head))
        client.send(chunked(data, places, extension, trailer))
        assert stated(client.read_answer()) == stated(plain)
        client.send(raw.request_bytes("GET", "/api/version", {"Host": "localhost"}))
        assert client.read_answer("GET").status == 200


def stated(answered: raw.Answer) -> tuple[int, str]:
    """What does not differ between two answers to the same: a status, and the text of an error."""
    return answered.status, "" if answered.status == 200 else error_text(answered)


@given(path=st.sampled_from(V1), body=BODIES, more=st.binary(max_size=8), end=st.integers(0, 200))
@FUZZ
def test_a_body_in_zstd_is_what_it_holds_or_an_error(
    bench: Bench, path: str, body: dict[str, object], more: bytes, end: int
) -> None:
    data = json.dumps(body).encode()
    packed = zstd.compress(data)
    headers = {"Content-Encoding": "zstd"}
    assert stated(bench.post(packed, path, headers)) == stated(bench.post(data, path))
    for broken in (packed + more if more else packed[:-1], packed[: end % len(packed)]):
        answered = bench.post(broken, path, headers)
        assert answered.status == 400
        assert error_text(answered)


def error_text(answered: raw.Answer) -> str:
    """The text of an error in any of the three shapes."""
    error = answered.json()["error"]
    return str(error["message"] if isinstance(error, dict) else error)


GOOD = st.sampled_from(
    (
        b'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n',
        b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n',
        *(
            b"data: [DONE]\n\n",
            b": comment\n\n",
            b"\n",
            b"\r",
            b"\r\n",
            b"data:",
            b"event: error\n",
        ),
        *(
            b"id: 1\n",
            b"event: error\n",
            b'data: {"error":"x"}\n\n',
            b"data: {\n",
            b"\xef\xbb\xbf",
            b"}",
        ),
    )
)


@given(
    pieces=st.lists(GOOD | st.binary(max_size=8), max_size=12),
    size=st.integers(1, 60),
    end=st.sampled_from(("end", "cut", "reset")),
    stream=st.booleans(),
)
@FUZZ
def test_any_bytes_of_a_backend_are_an_answer_or_one_error(
    bench: Bench, pieces: list[bytes], size: int, end: str, stream: bool
) -> None:
    ending = {"end": [], "cut": [cut()], "reset": [reset()]}[end]
    kind = "text/event-stream" if stream else "application/json"
    scenario = [opened(media_type=kind), sliced(b"".join(pieces), size), *ending]
    answered = bench.chat(scenario, stream=stream)
    assert not answered.cut
    lines = answered.lines()
    if answered.status != 200:
        assert 400 <= answered.status <= 599
        assert error_of(answered)
        return
    assert lines[-1].get("done") is True or set(lines[-1]) == {"error"}
    assert [line.get("done") for line in lines].count(True) <= 1


def test_every_place_to_cut_a_stream_is_noticed(bench: Bench) -> None:
    """Wherever the backend's connection ends before the reason does, the answer is not whole."""
    one = {"choices": [{"index": 0, "delta": {"content": "Hello"}, "finish_reason": None}]}
    last = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    texts = [b"data: " + json.dumps(value).encode() + b"\n\n" for value in (one, last)]
    whole = b"".join(texts)
    for place in range(0, len(whole), 3):
        answered = bench.chat([opened(chunked=False), raw_bytes(whole[:place]), cut()])
        complete = place >= len(whole) - 2
        assert (answered.lines()[-1].get("done") is True) == complete, place
