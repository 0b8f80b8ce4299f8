"""That a connection elsewhere would be found: the check after every test with a service."""

from __future__ import annotations

from typing import Any

import pytest

from tests import peers
from tests.peers import STRAY, Peers
from tests.service import Service, free_port
from tests.upstream import Upstream

CHAT = {"model": "native", "messages": [{"role": "user", "content": "Hi"}]}


def test_the_only_peer_is_the_backend_or_its_proxy() -> None:
    url = {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}
    assert peers.reported(url, []) == ["127.0.0.1:9"]
    assert peers.reported({"OPENAI_BASE_URL": "https://api.example/v1"}, []) == ["api.example:443"]
    assert peers.reported({**url, "FACADE_BACKEND_PROXY": "http://10.0.0.1:3128"}, []) == [
        "10.0.0.1:3128"
    ]
    assert peers.reported({"OPENAI_BASE_URL": "http://localhost:9"}, []) == ["127.0.0.1:9", "::1:9"]
    assert peers.reported({}, ["--local"]) == [peers.LOOPBACK]
    assert peers.reported({}, []) == []


@pytest.mark.parametrize(
    ("event", "argument", "stray"),
    (
        ("socket.connect", ("127.0.0.1", 9), False),
        ("socket.connect", ("127.0.0.1", 10), True),
        ("socket.connect", ("::1", 9, 0, 0), True),
        ("socket.connect", ("169.254.169.254", 80), True),
        ("socket.connect", "/var/run/docker.sock", True),
        ("socket.sendto", ("8.8.8.8", 53), True),
        ("socket.getaddrinfo", "evil.example", True),
        ("socket.getaddrinfo", b"evil.example", True),
        ("socket.getaddrinfo", "169.254.169.254", False),
        ("socket.getaddrinfo", "localhost", False),
        ("socket.getaddrinfo", None, False),
        ("socket.gethostbyname", "evil.example", True),
        ("open", "/etc/passwd", False),
    ),
)
def test_what_leads_elsewhere_is_written_down(
    capfd: pytest.CaptureFixture[str], event: str, argument: Any, stray: bool
) -> None:
    more: tuple[Any, ...] = (argument,) if event in peers.LOOKUPS else (None, argument)
    Peers(["127.0.0.1:9"]).hook(event, more)
    assert (STRAY in capfd.readouterr().err) == stray


def test_an_embedded_backend_may_be_anywhere_on_this_machine() -> None:
    local = Peers([peers.LOOPBACK])
    assert local.is_allowed(("127.0.0.1", 12345))
    assert local.is_allowed(("::1", 12345, 0, 0))
    assert not local.is_allowed(("192.168.0.1", 80))


@pytest.mark.parametrize("arguments", ((), ("--workers", "2")), ids=("alone", "workers"))
def test_a_service_that_connects_elsewhere_fails_its_test(
    upstream: Upstream, arguments: tuple[str, ...]
) -> None:
    """Its backend is not where the search was told that it is."""
    settings = {"OPENAI_BASE_URL": upstream.base_url}
    service = Service(settings, arguments, reported=[f"127.0.0.1:{free_port()}"])
    service.__enter__()
    assert service.ask("POST", "/api/chat", CHAT).status == 200
    with pytest.raises(AssertionError, match=STRAY):
        service.__exit__()
