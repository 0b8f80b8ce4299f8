"""Streams: many frames, each sent when it is made, and a hang-up that harms nobody."""

from __future__ import annotations

import time
from contextlib import closing

import pytest

from ollama_contract.checking import demand, expect
from ollama_contract.exchange import Answer, Asker, Clients
from ollama_contract.requests import COUNT, GENERATING, asking, text_of, thought_of
from ollama_contract.target import Target

TRIES = 3
WORTH = 0.06
"""How many seconds more a long answer has to take before arrival is judged."""

pytestmark = [pytest.mark.needs("completion"), pytest.mark.parametrize("path", GENERATING)]


def streamed(ask: Asker, target: Target, path: str, budget: int) -> Answer:
    body = asking(target, path, COUNT, budget)
    del body["stream"]
    answer = ask("POST", path, body)
    demand(answer.status == 200, "status 200", answer.status)
    return answer


def test_streaming_is_the_default_and_is_ndjson(path: str, ask: Asker, target: Target) -> None:
    answer = streamed(ask, target, path, 24)
    media = answer.headers.get("content-type")
    demand(
        media == "application/x-ndjson", "the content type application/x-ndjson of a stream", media
    )
    expect("content-length" not in answer.headers, "a stream without Content-Length", media)
    frames = answer.lines()
    stated = [frame for frame in frames[:-1] if text_of(frame) or thought_of(frame)]
    if (frames[-1].get("eval_count") or 24) >= 16:
        expect(
            len(stated) >= 4, "a frame for every piece of text", f"{len(stated)} frames: {frames}"
        )
    expect(not text_of(frames[-1]) or len(stated) > 0, "the text before the last frame", frames[-1])


def test_frames_arrive_when_they_are_made(path: str, ask: Asker, target: Target) -> None:
    seen = []
    for _ in range(TRIES):
        short = streamed(ask, target, path, 1)
        long = streamed(ask, target, path, 48)
        first, whole = long.pieces[0][0], long.pieces[-1][0]
        seen.append(f"the first bytes after {first:.3f} s, the last after {whole:.3f} s")
        takes = whole - short.pieces[-1][0]
        if takes < WORTH or whole - first > takes / 4:
            return  # it is too quick to be judged, or it does stream
    expect(False, "frames that arrive while the answer is made", "; ".join(seen))


def test_a_client_that_leaves_disturbs_nobody(
    path: str, clients: Clients, ask: Asker, target: Target
) -> None:
    body = asking(target, path, COUNT, 64, stream=True)
    call = clients.sync.chat if path == "/api/chat" else clients.sync.generate
    with closing(call(**body)) as frames:
        next(frames)
    began = time.monotonic()
    answer = ask("POST", path, asking(target, path, COUNT, 2))
    expect(answer.status == 200, "the next request is answered", answer.status)
    expect(time.monotonic() - began < 60, "the next request does not wait for the last", "")
