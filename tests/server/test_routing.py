"""Paths, redirects and methods: management.md §1.2, faults.md row 37."""

from __future__ import annotations

import asyncio
import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_facade.contract import Operation, operations
from ollama_facade.server.request_head import split_absolute
from ollama_facade.server.routes import Routes
from ollama_facade.server.routing import (
    RedirectMiddleware,
    RouteErrorMiddleware,
    clean_path,
    is_malformed,
    redirect_slash,
    redirect_to_clean,
)
from tests.server.asgi import Seen, alone, known_operations, scope_of

PATHS = Routes(known_operations())


@pytest.mark.parametrize(
    ("path", "template"),
    (
        ("/", "/"),
        ("/api/tags", "/api/tags"),
        ("/api/blobs/sha256:00", "/api/blobs/{digest}"),
        ("/v1/models", "/v1/models"),
        ("/v1/models/gen:latest", "/v1/models/{model}"),
        ("/api/blobs/", None),
        ("/api/blobs", None),
        ("/api/blobs/a/b", None),
        ("/v1/models/ns/model", None),
        ("/API/tags", None),
        ("/api/tags/", None),
        ("/api", None),
        ("", None),
    ),
)
def test_a_path_has_its_route_or_none(path: str, template: str | None) -> None:
    route = PATHS.find(path)
    assert (route.template if route else None) == template


@pytest.mark.parametrize(
    ("path", "allow"),
    (
        ("/api/tags", b"HEAD, GET"),
        ("/api/chat", b"POST"),
        ("/api/blobs/x", b"HEAD, POST"),
        ("/api/delete", b"DELETE"),
        ("/", b"HEAD, GET"),
    ),
)
def test_allow_lists_the_methods_in_the_order_of_registration(path: str, allow: bytes) -> None:
    route = PATHS.find(path)
    assert route is not None
    assert route.allow == allow


def test_the_order_of_allow_is_not_that_of_the_document() -> None:
    route = Routes(
        Operation("", method, "/x") for method in ("post", "get", "delete", "head")
    ).find("/x")
    assert route is not None
    assert route.allow == b"HEAD, GET, POST, DELETE"


@pytest.mark.parametrize(
    ("path", "method", "other"),
    (
        ("/api/tags/", "GET", "/api/tags"),
        ("/api/tags/", "HEAD", "/api/tags"),
        ("/api/tags/", "POST", None),
        ("/api/show/", "POST", "/api/show"),
        ("/api/show/", "GET", None),
        ("/v1/models/", "GET", "/v1/models"),
        ("/v1/models/gen/", "GET", "/v1/models/gen"),
        ("/api/blobs/x/", "POST", "/api/blobs/x"),
        ("/api/blobs", "POST", None),
        ("/api/nope/", "GET", None),
        ("/", "POST", None),
        ("/api/tags//", "GET", None),
    ),
)
def test_a_slash_too_many_is_mended_for_a_method_that_exists(
    path: str, method: str, other: str | None
) -> None:
    assert PATHS.with_other_slash(path, method) == other


def test_a_slash_too_few_is_mended_too() -> None:
    assert Routes([Operation("", "get", "/docs/")]).with_other_slash("/docs", "GET") == "/docs/"


def test_the_routes_are_read_from_an_openapi_document() -> None:
    document = {
        "paths": {
            "/api/tags": {"get": {}, "head": {}, "parameters": [], "summary": "Models"},
            "/api/blobs/{digest}": {"post": {}, "head": {}},
        }
    }
    routes = Routes(operations(document))
    found = [routes.find(path) for path in ("/api/tags", "/api/blobs/x")]
    assert [(route.template, route.allow) for route in found if route] == [
        ("/api/tags", b"HEAD, GET"),
        ("/api/blobs/{digest}", b"HEAD, POST"),
    ]


@pytest.mark.parametrize(
    ("path", "clean"),
    (
        ("/api/tags", "/api/tags"),
        ("/api/tags/", "/api/tags/"),
        ("//api/tags", "/api/tags"),
        ("//", "/"),
        ("/", "/"),
        ("/api//tags//", "/api/tags/"),
        ("/api/../api/version", "/api/version"),
        ("/../../api/tags", "/api/tags"),
        ("/api/./tags", "/api/tags"),
        ("/api/tags/.", "/api/tags"),
        ("/api/tags/..", "/api"),
        ("/api/.hidden/x", "/api/.hidden/x"),
        ("/api/...", "/api/..."),
        ("/api%2f%2ftags", "/api%2f%2ftags"),
        ("//evil.example/", "/evil.example/"),
    ),
)
def test_double_slashes_and_dot_segments_are_clean_path(path: str, clean: str) -> None:
    assert clean_path(path) == clean


@given(st.lists(st.sampled_from(("", ".", "..", "a", "b.c", "...")), max_size=8))
def test_cleaning_agrees_with_the_rules_of_posix_and_is_done_once(segments: list[str]) -> None:
    path = "/" + "/".join(segments)
    clean = clean_path(path)
    assert clean.rstrip("/") == "/" + posixpath.normpath(path).strip("/") or clean == "/"
    assert clean_path(clean) == clean
    assert not clean.startswith("//")


def test_a_redirect_to_the_clean_path_keeps_the_query() -> None:
    status, headers, body = redirect_to_clean("/api/tags", b"a=<b>&c='d\"", "GET")
    assert status == 307
    assert dict(headers)[b"location"] == b"/api/tags?a=<b>&c='d\""
    assert body == (
        b'<a href="/api/tags?a=&lt;b&gt;&amp;c=&#39;d&#34;">Temporary Redirect</a>.\n\n'
    )


@pytest.mark.parametrize(
    ("method", "status", "html", "body"),
    (
        ("GET", 301, True, b'<a href="/api/tags">Moved Permanently</a>.\n\n'),
        ("HEAD", 307, True, b""),
        ("POST", 307, False, b""),
        ("DELETE", 307, False, b""),
    ),
)
def test_a_redirect_for_a_slash_depends_on_the_method(
    method: str, status: int, html: bool, body: bytes
) -> None:
    answer = redirect_slash("/api/tags", "", b"", method)
    assert answer[0] == status
    assert (dict(answer[1]).get(b"content-type") == b"text/html; charset=utf-8") is html
    assert answer[2] == body


@pytest.mark.parametrize(
    ("prefix", "location"),
    (
        ("/proxy", b"/proxy/api/tags"),
        ("proxy", b"/proxy/api/tags"),
        ("/a//b/", b"/a/b/api/tags"),
        ("//evil.example", b"/evilexample/api/tags"),
        ("https://evil.example", b"/https/evilexample/api/tags"),
        ("../..", b"/api/tags"),
        ("/", b"/api/tags"),
    ),
)
def test_a_forwarded_prefix_goes_before_the_path_and_nowhere_else(
    prefix: str, location: bytes
) -> None:
    assert dict(redirect_slash("/api/tags", prefix, b"", "GET")[1])[b"location"] == location


def test_a_decoded_path_is_escaped_again_in_a_location() -> None:
    headers = dict(redirect_slash("/v1/models/a b:é\r\n", "", b"", "GET")[1])
    assert headers[b"location"] == b"/v1/models/a%20b:%C3%A9%0D%0A"


@pytest.mark.parametrize(
    ("path", "malformed"),
    (("/a%20b", False), ("/a%2", True), ("/a%", True), ("/a%zz", True), ("/a", False)),
)
def test_a_percent_sign_begins_an_escape(path: str, malformed: bool) -> None:
    assert is_malformed(path) is malformed


@pytest.mark.parametrize(
    ("target", "parts"),
    (
        ("http://localhost:11434/api/tags", ("localhost:11434", "/api/tags")),
        ("HTTPS://user@box", ("box", "/")),
        ("ftp://box/", None),
        ("*", None),
        ("localhost:11434", None),
    ),
)
def test_an_absolute_target_names_host_and_path(target: str, parts: tuple[str, str] | None) -> None:
    assert split_absolute(target) == parts


@pytest.mark.parametrize(
    ("path", "status", "location"),
    (
        ("/api/chat", 200, []),
        ("/api/chat/", 307, ["/api/chat"]),
        ("//api/chat", 307, ["/api/chat"]),
        ("/api/%zz", 400, []),
        ("/nowhere", 200, []),
    ),
)
def test_alone_the_redirects_let_everything_else_through(
    path: str, status: int, location: list[str]
) -> None:
    answer = asyncio.run(alone(RedirectMiddleware(Seen(), PATHS), scope_of(path=path)))
    assert (answer.status, answer.values("location")) == (status, location)


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    (
        ("POST", "/api/chat", 200, []),
        ("GET", "/api/chat", 405, ["POST"]),
        ("GET", "/nowhere", 404, []),
    ),
)
def test_alone_the_route_errors_let_every_operation_through(
    method: str, path: str, status: int, allow: list[str]
) -> None:
    answer = asyncio.run(alone(RouteErrorMiddleware(Seen()), scope_of(method, path)))
    assert (answer.status, answer.values("allow")) == (status, allow)
