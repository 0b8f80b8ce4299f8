"""A short soak, and that it would see what it looks for."""

from __future__ import annotations

import json

import pytest

from tests.robustness.soak import FRAMES, judged, soak


def test_no_stream_is_lost_doubled_or_called_complete_when_it_is_not() -> None:
    report = soak(seconds=1, streams=20, chance=0.5)
    assert report.bad == 0, report.lines()
    assert report.ends["whole"] > 10
    assert report.ends["told"] > 5
    assert report.memory[1] - report.memory[0] < 30


def stream(numbers: list[int], *last: dict[str, object], end: bytes = b"0\r\n\r\n") -> bytes:
    lines = [{"message": {"content": f"{number} "}, "done": False} for number in numbers]
    body = b"".join(json.dumps(line).encode() + b"\n" for line in (*lines, *last))
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n%b" % (
        len(body),
        body,
        end,
    )


DONE: dict[str, object] = {"message": {"content": ""}, "done": True}
ALL = list(range(FRAMES))


@pytest.mark.parametrize(
    ("came", "kind"),
    (
        (stream(ALL, DONE), "whole"),
        (stream(ALL[:5], {"error": "x"}), "told"),
        (stream(ALL[:5], DONE), "cut but done"),
        (stream([*ALL[:5], 4], {"error": "x"}), "doubled"),
        (stream([0, 2], {"error": "x"}), "lost"),
        (stream(ALL[:5]), "no end"),
        (stream(ALL, DONE, end=b""), "no end"),
        (b"HTTP/1.1 502 Bad\r\nContent-Length: 13\r\n\r\n" + b'{"error":"x"}', "told"),
        (b"", "no end"),
    ),
)
def test_each_end_of_a_stream_is_reported_from_the_others(came: bytes, kind: str) -> None:
    assert judged(came) == kind
