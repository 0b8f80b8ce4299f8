"""`ollama-facade check` against services that answer in every way."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ollama_facade.cli.check import check_alive, check_service
from ollama_facade.errors import SettingsError
from tests.service import free_port

GREETING = (200, b"Ollama is running")
VERSION = (200, b'{"version":"0.33.0"}')


@contextmanager
def service(answers: Mapping[str, tuple[int, bytes]]) -> Iterator[str]:
    """The URL of a server that gives these answers."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers[self.path]
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def well(tags: tuple[int, bytes]) -> Mapping[str, tuple[int, bytes]]:
    return {"/": GREETING, "/api/version": VERSION, "/api/tags": tags}


def test_service_backend_and_models_are_listed() -> None:
    tags = json.dumps({"models": [{"name": "a:latest"}, {"name": "b\x1b[2J:latest"}]})
    with service(well((200, tags.encode()))) as url:
        report = check_service(url)
    assert report.well
    assert report.lines == (
        f"service  {url}: answers as Ollama 0.33.0",
        "backend  answers with 2 models",
        "  a:latest",
        "  b\ufffd[2J:latest",
    )


def test_a_url_may_come_without_scheme_and_with_a_slash() -> None:
    with service(well((200, b'{"models":[]}'))) as url:
        assert check_service(url.removeprefix("http://") + "/").well


@pytest.mark.parametrize(
    ("tags", "line"),
    [
        ((502, b'{"error":"backend unreachable"}'), "backend  backend unreachable"),
        ((500, b"<html>"), "backend  answers 500"),
        ((200, b"<html>"), "backend  answers with something that is not JSON"),
        ((200, b"[]"), "backend  answers with JSON of another kind"),
        ((200, b'{"models":7}'), "backend  the list of models is none"),
        ((200, b'{"models":[7]}'), "backend  the list of models is none"),
    ],
)
def test_a_backend_that_does_not_answer_is_reported(tags: tuple[int, bytes], line: str) -> None:
    with service(well(tags)) as url:
        report = check_service(url)
    assert not report.well
    assert report.lines[1] == line


def test_something_else_at_the_address_is_reported() -> None:
    with service({"/": (200, b"hello")}) as url:
        report = check_service(url)
    assert not report.well
    assert report.lines == (f"service  {url}: something else answers there",)


def test_nothing_at_the_address_is_reported() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    report = check_service(url)
    assert not report.well
    assert report.lines == (f"service  {url}: does not answer (Connection refused)",)


def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    with service(well((200, b'{"models":[]}'))) as url:
        assert check_service(url).well


@pytest.mark.parametrize("url", ["ftp://a", "http://", "http://a:99999", "http://[::1"])
def test_an_invalid_url_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match=r"^check: "):
        check_service(url)


def test_a_service_is_alive_whatever_its_backend_does() -> None:
    with service({"/": GREETING}) as url:
        assert check_alive(url).lines == (f"service  {url}: is running",)
        assert check_alive(url).well
    with service({"/": (200, b"Welcome to nginx!")}) as url:
        assert not check_alive(url).well


def test_a_service_that_is_gone_is_not_alive() -> None:
    report = check_alive(f"127.0.0.1:{free_port()}")
    assert not report.well
    assert "does not answer" in report.lines[0]
