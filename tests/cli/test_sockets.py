"""Sockets are opened before anything else, and a refusal names the setting."""

from __future__ import annotations

import socket

import pytest

from ollama_facade.cli.sockets import beside, client_url, listen
from ollama_facade.errors import SettingsError


def closed(sockets: list[socket.socket]) -> list[tuple[str, int]]:
    """The addresses of sockets that are open no more."""
    addresses = [opened.getsockname()[:2] for opened in sockets]
    for opened in sockets:
        opened.close()
    return addresses


def test_port_zero_is_a_free_port() -> None:
    ((host, port),) = closed(listen("127.0.0.1", 0))
    assert host == "127.0.0.1"
    assert port > 0


def test_all_interfaces_are_one_port() -> None:
    addresses = closed(listen("", 0))
    assert "0.0.0.0" in [host for host, _ in addresses]
    assert len({port for _, port in addresses}) == 1


def test_a_connection_waits_for_the_service_that_is_still_loading() -> None:
    sockets = listen("127.0.0.1", 0)
    socket.create_connection(sockets[0].getsockname(), timeout=5).close()
    closed(sockets)


def test_the_protocol_is_named_so_that_no_answer_waits_for_an_acknowledgement() -> None:
    """Only to such connections asyncio gives TCP_NODELAY."""
    sockets = listen("127.0.0.1", 0)
    client = socket.create_connection(sockets[0].getsockname(), timeout=5)
    accepted, _ = sockets[0].accept()
    assert accepted.proto == socket.IPPROTO_TCP
    accepted.close()
    client.close()
    closed(sockets)


def test_a_taken_port_is_refused_in_one_line() -> None:
    sockets = listen("127.0.0.1", 0)
    port = sockets[0].getsockname()[1]
    with pytest.raises(SettingsError, match=rf"^OLLAMA_HOST: 127\.0\.0\.1:{port} is taken"):
        listen("127.0.0.1", port)
    closed(sockets)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "192.0.2.1", "a" * 300, "a..b"])
def test_a_host_that_is_not_ours_is_refused_in_one_line(host: str) -> None:
    with pytest.raises(SettingsError) as caught:
        listen(host, 0)
    assert str(caught.value).startswith("OLLAMA_HOST: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("::", "http://[::1]:80"),
        ("::1", "http://[::1]:80"),
        ("example.com", "http://example.com:80"),
    ],
)
def test_a_client_reaches_all_interfaces_by_loopback(host: str, url: str) -> None:
    assert client_url(host, 80) == url


def test_shared_sockets_listen_beside_each_other_and_beside_nobody_else() -> None:
    sockets = listen("127.0.0.1", 0, shared=True)
    port = sockets[0].getsockname()[1]
    more = beside(sockets)
    assert [one.getsockname() for one in more] == [one.getsockname() for one in sockets]
    for shared in (False, True):
        with pytest.raises(SettingsError, match="is taken"):
            listen("127.0.0.1", port, shared=shared)
    closed(sockets)
    closed(more)
