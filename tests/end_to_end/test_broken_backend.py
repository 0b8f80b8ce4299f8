"""A backend that breaks, a client that leaves: what the official client sees of it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import ollama
import pytest

from tests import raw
from tests.service import Service
from tests.upstream import Upstream, cut, drip, reset, say, stall

HI = [{"role": "user", "content": "Hi"}]


@pytest.fixture
def client(scripted_service: Service) -> Iterator[ollama.Client]:
    made = ollama.Client(scripted_service.url)
    yield made
    made._client.close()


def works(client: ollama.Client, upstream: Upstream) -> None:
    """The next request is answered as if nothing had been."""
    upstream.turns([{}])
    assert client.chat("native", HI).message.content == "Hello there!"


@pytest.mark.parametrize("broken", (cut, reset))
def test_a_backend_that_dies_in_the_middle_gives_an_error_line(
    client: ollama.Client, scripted_upstream: Upstream, broken: object
) -> None:
    assert callable(broken)
    scripted_upstream.script([say("Hel", "lo"), broken()])
    frames = []
    with pytest.raises(ollama.ResponseError) as caught:
        frames.extend(iter_into(frames, client))
    assert "".join(frame.message.content or "" for frame in frames) == "Hello"
    assert not any(frame.done for frame in frames)
    assert caught.value.error
    works(client, scripted_upstream)


def iter_into(
    frames: list[ollama.ChatResponse], client: ollama.Client
) -> Iterator[ollama.ChatResponse]:
    """Keeps the frames that came before the error."""
    for frame in client.chat("native", HI, stream=True):
        frames.append(frame)
        yield from ()


def test_the_error_line_is_the_last_and_the_body_ends_properly(
    scripted_service: Service, scripted_upstream: Upstream
) -> None:
    scripted_upstream.script([say("Hel", "lo"), cut()])
    answer = scripted_service.ask("POST", "/api/chat", {"model": "native", "messages": HI})
    assert (answer.status, answer.cut) == (200, False)
    *frames, last = answer.lines()
    assert list(last) == ["error"]
    assert not any(frame["done"] for frame in frames)


def test_a_backend_that_dies_in_a_whole_answer_gives_a_status(
    client: ollama.Client, scripted_upstream: Upstream
) -> None:
    scripted_upstream.turns([{"fail_after": 1}])
    with pytest.raises(ollama.ResponseError) as caught:
        client.chat("native", HI)
    assert caught.value.status_code >= 500
    works(client, scripted_upstream)


@pytest.mark.parametrize("stream", (True, False))
@pytest.mark.parametrize("scenario", ([stall()], [say("Hel"), stall()], [drip("a", 0.02)]))
def test_a_client_that_leaves_stops_the_backend(
    scripted_service: Service, scripted_upstream: Upstream, scenario: list[object], stream: bool
) -> None:
    scripted_upstream.script(scenario)  # type: ignore[arg-type]
    data = json.dumps({"model": "native", "messages": HI, "stream": stream}).encode()
    headers = {"Host": f"localhost:{scripted_service.port}"}
    with raw.RawClient("127.0.0.1", scripted_service.port) as connection:
        connection.send(raw.request_bytes("POST", "/api/chat", headers, data))
        scripted_upstream.wait_for_request()
    scripted_upstream.wait_for_hang_up()
