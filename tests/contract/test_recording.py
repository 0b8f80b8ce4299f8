from __future__ import annotations

import shlex

import httpx
import pytest

from ollama_contract.recording import Recorder
from tests.contract.made import KEY, exchange


def test_a_curl_line_sends_the_same_without_naming_the_key() -> None:
    made = exchange(body={"model": "it's", "stream": False})
    words = shlex.split(made.curl())
    assert words[:6] == ["curl", "-sS", "-i", "-X", "POST", "http://server.test/api/chat"]
    assert words[words.index("--data-binary") + 1] == made.content.decode()
    assert "authorization: Bearer $OLLAMA_API_KEY" in words
    assert '"authorization: Bearer $OLLAMA_API_KEY"' in made.curl(), "for the shell to fill in"
    assert KEY not in made.curl()


def test_a_curl_line_adds_no_content_type_and_no_headers_of_the_transport() -> None:
    made = exchange(body={}, sent=(("accept", "*/*"), ("content-length", "2")))
    assert "-H 'Content-Type:'" in made.curl()
    assert "accept" not in made.curl()
    assert "host" not in made.curl()


def test_another_host_is_part_of_the_request() -> None:
    made = exchange(sent=(("host", "evil.test"),))
    assert "-H 'host: evil.test'" in made.curl()


def test_bytes_that_are_no_text_are_sent_by_way_of_base64() -> None:
    made = exchange()
    made.content = b"\x00\xff"
    assert made.curl().startswith("echo AP8= | base64 -d | curl ")


def test_a_head_is_asked_as_one() -> None:
    assert " -I " in exchange("HEAD", "/").curl()


def test_the_key_is_in_nothing_that_is_shown() -> None:
    made = exchange(body={"key": KEY}, answer=f'{{"error": "{KEY} is wrong"}}'.encode())
    shown = (
        made.request_text(),
        made.answer_text(),
        made.summary(),
        made.curl(),
        repr(made.secret),
    )
    assert all(KEY not in text for text in shown[:4])
    assert "secret" not in repr(made)


@pytest.mark.parametrize(
    ("path", "endpoint"),
    [
        ("/api/chat?x=1", "GET /api/chat"),
        ("/api/blobs/sha256:00", "GET /api/blobs/{digest}"),
        ("/v1/models/a:b", "GET /v1/models/{model}"),
        ("/nope", "GET /nope"),
    ],
)
def test_an_exchange_belongs_to_the_operation_of_its_path(path: str, endpoint: str) -> None:
    assert exchange("GET", path).endpoint == endpoint


def test_the_recorder_keeps_the_last_exchanges_and_all_endpoints() -> None:
    recorder = Recorder()
    recorder.begin(httpx.Request("GET", "http://server.test/api/tags"), b"")
    for _ in range(100):
        recorder.begin(httpx.Request("GET", "http://server.test/api/version"), b"")
    assert len(recorder.exchanges) == 50
    assert recorder.endpoints == {"GET /api/tags", "GET /api/version"}
    assert recorder.last("GET /api/tags") is None
