"""The Host rule: management.md §1.7, faults.md rows 26 and 27."""

from __future__ import annotations

import asyncio
import socket

import pytest

from ollama_facade.server.hosts import (
    HostKind,
    HostPolicy,
    TrustedHostMiddleware,
    is_loopback,
    without_port,
)
from tests.server.asgi import Seen, alone, scope_of

REFUSED, ADDRESS, NAME = HostKind.REFUSED, HostKind.ADDRESS, HostKind.NAME

ON_LOOPBACK = (
    ("127.0.0.1", ADDRESS),
    ("127.0.0.1:11434", ADDRESS),
    ("127.0.0.1:", ADDRESS),
    ("127.8.8.8", ADDRESS),
    ("[::1]:11434", ADDRESS),
    ("[::1]", ADDRESS),
    ("::1", ADDRESS),
    ("[::ffff:127.0.0.1]:80", ADDRESS),
    ("0.0.0.0", ADDRESS),
    ("[::]:80", ADDRESS),
    ("10.1.2.3", ADDRESS),
    ("172.16.0.1", ADDRESS),
    ("172.31.255.255:1", ADDRESS),
    ("192.168.1.9:11434", ADDRESS),
    ("[fd00::1]:80", ADDRESS),
    ("8.8.8.8", REFUSED),
    ("172.32.0.1", REFUSED),
    ("[2606:4700::1111]", REFUSED),
    ("localhost", NAME),
    ("LOCALHOST:11434", NAME),
    ("localhost:9", NAME),
    ("a.localhost", NAME),
    ("box.local", NAME),
    ("x.internal", NAME),
    ("host.docker.internal:11434", NAME),
    ("ollama", NAME),
    ("ollama_1:11434", NAME),
    ("", REFUSED),
    (":11434", REFUSED),
    ("localhost.", REFUSED),
    ("evil.example", REFUSED),
    ("evil.example:11434", REFUSED),
    ("localhost.evil.example", REFUSED),
    ("127.0.0.1.evil.example", REFUSED),
    ("127.0.0.1@evil.example", REFUSED),
    ("evil.example:80:80", REFUSED),
    ("[::1", REFUSED),
    ("[::1]evil.example", REFUSED),
    ("[evil.example]:80", REFUSED),
    ("evil example", REFUSED),
    ("évil", REFUSED),
)


@pytest.mark.parametrize(("header", "kind"), ON_LOOPBACK)
def test_a_host_is_judged_on_a_loopback_address(header: str, kind: HostKind) -> None:
    assert HostPolicy("127.0.0.1").kind(header) is kind


@pytest.mark.parametrize("listen", ("0.0.0.0", "::", "", "192.168.1.9", "box.example"))
@pytest.mark.parametrize(
    ("header", "kind"),
    (
        ("evil.example", REFUSED),
        ("", REFUSED),
        ("localhost.", REFUSED),
        ("localhost", NAME),
        ("ollama:11434", NAME),
        ("8.8.8.8", ADDRESS),
        ("[2606:4700::1111]:11434", ADDRESS),
    ),
)
def test_the_rule_is_on_for_a_wide_address_too(listen: str, header: str, kind: HostKind) -> None:
    assert HostPolicy(listen).kind(header) is kind


def test_a_wide_address_open_to_every_origin_is_not_checked() -> None:
    hosts = HostPolicy("0.0.0.0", any_origin=True)
    assert hosts.kind("evil.example") is ADDRESS
    assert hosts.kind("localhost") is ADDRESS


def test_a_loopback_address_is_checked_even_when_every_origin_is_allowed() -> None:
    assert HostPolicy("127.0.0.1", any_origin=True).kind("evil.example") is REFUSED


def test_the_name_of_the_machine_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "Box.Example")
    assert HostPolicy("127.0.0.1").kind("box.example:11434") is NAME


@pytest.mark.parametrize(
    ("allowed", "header", "kind"),
    (
        ("llm.example.org", "LLM.example.org:443", NAME),
        ("LLM.example.org", "llm.example.org", NAME),
        ("llm.example.org", "a.llm.example.org", REFUSED),
        ("*.example.org", "a.b.example.org", NAME),
        ("*.example.org", "example.org", REFUSED),
        ("*.example.org", "evilexample.org", REFUSED),
        ("*", "evil.example", ADDRESS),
    ),
)
def test_the_settings_allow_more_hosts(allowed: str, header: str, kind: HostKind) -> None:
    assert HostPolicy("127.0.0.1", (allowed,)).kind(header) is kind


@pytest.mark.parametrize(
    ("header", "host"),
    (
        ("a:80", "a"),
        ("a", "a"),
        ("[::1]:80", "::1"),
        ("[::1]", "::1"),
        ("::1", "::1"),
        (":80", ""),
        ("", ""),
        ("a:b:c", "a:b:c"),
        ("[::1", "[::1"),
    ),
)
def test_the_port_is_taken_off(header: str, host: str) -> None:
    assert without_port(header) == host


@pytest.mark.parametrize(
    ("listen", "expected"),
    (
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("", False),
        ("example.com", False),
    ),
)
def test_a_listen_address_is_loopback_or_not(listen: str, expected: bool) -> None:
    assert is_loopback(listen) is expected


def test_what_is_remembered_is_bounded() -> None:
    hosts = HostPolicy("127.0.0.1")
    for number in range(1000):
        assert hosts.kind(f"h{number}.example") is REFUSED
    assert len(hosts._cache) <= 256


@pytest.mark.parametrize(
    ("method", "host", "status"),
    (("POST", "localhost", 200), ("POST", "evil.example", 403), ("OPTIONS", "localhost", 204)),
)
def test_alone_it_lets_trusted_hosts_through(method: str, host: str, status: int) -> None:
    app = TrustedHostMiddleware(Seen(), HostPolicy("127.0.0.1"))
    assert asyncio.run(alone(app, scope_of(method, headers={"Host": host}))).status == status
