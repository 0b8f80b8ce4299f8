"""CORS: management.md §1.6 and faults.md row 28; the recordings are in test_middlewares."""

from __future__ import annotations

import asyncio

import pytest

from ollama_facade.errors import SettingsError
from ollama_facade.server.cors import CorsMiddleware, CorsPolicy, is_cross_origin
from tests.server.asgi import Seen, alone, scope_of

BY_DEFAULT = (
    ("http://localhost", True),
    ("https://localhost", True),
    ("http://localhost:3000", True),
    ("https://localhost:8443", True),
    ("http://127.0.0.1:8080", True),
    ("http://0.0.0.0", True),
    ("http://0.0.0.0:1", True),
    ("app://obsidian.md", True),
    ("file://", True),
    ("file://x", True),
    ("tauri://localhost", True),
    ("vscode-webview://abc", True),
    ("vscode-file://vscode-app", True),
    ("null", False),
    ("http://[::1]:3000", False),
    ("chrome-extension://abcdef", False),
    ("moz-extension://abcdef", False),
    ("http://192.168.1.9", False),
    ("https://evil.example", False),
    ("http://localhost.evil.example", False),
    ("https://localhost.evil.com", False),
    ("HTTP://LOCALHOST", False),
    ("http://LOCALHOST", False),
    ("ftp://localhost", False),
)


@pytest.mark.parametrize(("origin", "allowed"), BY_DEFAULT)
def test_an_origin_is_allowed_by_default_or_not(origin: str, allowed: bool) -> None:
    assert CorsPolicy().allows(origin) is allowed


@pytest.mark.parametrize(
    ("entry", "origin", "allowed"),
    (
        ("https://good.example", "https://good.example", True),
        ("https://Good.Example", "https://good.example", True),
        ("https://good.example", "https://Good.example", False),
        ("https://good.example", "https://good.example:8443", False),
        ("https://good.example", "https://good.example.evil.example", False),
        ("chrome-extension://*", "chrome-extension://abcdef", True),
        ("chrome-extension://*", "moz-extension://abcdef", False),
        ("https://*.example.org", "https://a.b.example.org", True),
        ("https://*.example.org", "https://example.org", False),
        ("*.example.org", "gopher://a.example.org", True),
        ("http://10.0.0.*", "http://10.0.0.7:80", True),
    ),
)
def test_the_settings_add_origins(entry: str, origin: str, allowed: bool) -> None:
    origins = CorsPolicy((entry,))
    assert origins.allows(origin) is allowed
    assert origins.allows("http://localhost:3000")


def test_a_star_allows_everybody_and_is_reported_as_a_star() -> None:
    origins = CorsPolicy(("*",))
    assert origins.all
    assert origins.allows("null")
    assert origins.headers(b"null") == [(b"access-control-allow-origin", b"*")]
    assert (b"access-control-allow-origin", b"*") in origins.preflight(b"null")
    assert not [name for name, _ in origins.preflight(b"null") if name == b"vary"]


@pytest.mark.parametrize(
    "entry", ("good.example", "ftp://good.example", "https://*.a.*", "**", "localhost:3000")
)
def test_an_entry_at_which_ollama_would_not_start_names_the_setting(entry: str) -> None:
    with pytest.raises(SettingsError, match="OLLAMA_ORIGINS"):
        CorsPolicy((entry,))


@pytest.mark.parametrize(
    ("origin", "cross"),
    (
        (b"", False),
        (b"http://localhost:11434", False),
        (b"https://localhost:11434", False),
        (b"http://localhost", True),
        (b"null", True),
    ),
)
def test_the_host_that_is_asked_is_no_other_origin(origin: bytes, cross: bool) -> None:
    assert is_cross_origin(origin, b"localhost:11434") is cross


def test_answers_of_two_origins_do_not_mix() -> None:
    origins = CorsPolicy()
    first = origins.headers(b"http://localhost:1")
    second = origins.headers(b"http://localhost:2")
    assert (b"access-control-allow-origin", b"http://localhost:1") in first
    assert (b"access-control-allow-origin", b"http://localhost:1") not in second
    assert len(origins.preflight(b"app://x")) == len(origins.preflight(b"app://x"))


@pytest.mark.parametrize(
    ("method", "origin", "status", "calls"),
    (
        ("POST", "http://localhost:3000", 200, 1),
        ("POST", "https://evil.example", 403, 0),
        ("OPTIONS", "http://localhost:3000", 204, 0),
    ),
)
def test_alone_it_lets_allowed_origins_through(
    method: str, origin: str, status: int, calls: int
) -> None:
    app = Seen()
    scope = scope_of(method, headers={"Origin": origin})
    answer = asyncio.run(alone(CorsMiddleware(app, CorsPolicy()), scope))
    assert (answer.status, len(app.scopes)) == (status, calls)
    allowed = answer.values("access-control-allow-origin")
    assert allowed == ([] if status == 403 else [origin])
