import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_facade.backend.sse import EventSplitter
from ollama_facade.errors import BackendError

STREAM = (
    b'\xef\xbb\xbf: hello\n\ndata: {"a":1}\n\ndata:{"b":2}\r\n\r\nid: 7\nretry: 3\n'
    b"data: x\ndata: y\n\n"
    b'event: error\ndata: {"message":"\xc3\xa9"}\r\rdata: [DONE]\n\n'
)
EVENTS = [
    ((b'{"a":1}',), b""),
    ((b'{"b":2}',), b""),
    ((b"x", b"y"), b""),
    ((b'{"message":"\xc3\xa9"}',), b"error"),
    ((b"[DONE]",), b""),
]


def events(chunks: list[bytes]) -> list[tuple[tuple[bytes, ...], bytes]]:
    splitter = EventSplitter()
    found = [event for chunk in chunks for event in splitter.feed(chunk)] + splitter.finish()
    return [(event.data, event.name) for event in found]


def test_every_form_of_a_line_is_understood() -> None:
    assert events([STREAM]) == EVENTS


@pytest.mark.parametrize("cut", range(len(STREAM)))
def test_every_split_point_gives_the_same_events(cut: int) -> None:
    assert events([STREAM[:cut], STREAM[cut:]]) == EVENTS


@given(st.binary(max_size=60).map(lambda b: b.replace(b"\x00", b"\n")), st.integers(1, 5))
def test_any_split_of_any_bytes_gives_the_same_events(raw: bytes, size: int) -> None:
    assert events([raw[i : i + size] for i in range(0, len(raw), size)]) == events([raw])


def test_an_event_that_the_connection_cut_off_after_its_line_is_still_read() -> None:
    assert events([b"data: last"]) == [((b"last",), b"")]


@pytest.mark.parametrize("raw", (b"data: " + b"x" * 200, b"x" * 200, b"data: 0123456789\n" * 20))
def test_a_line_or_event_over_the_limit_is_an_error(raw: bytes) -> None:
    splitter = EventSplitter(limit=100)
    with pytest.raises(BackendError, match="backend sent a line over"):
        splitter.feed(raw)
