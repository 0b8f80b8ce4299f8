"""Redirects of a path that is nearly right, 404 and 405 (management.md §1.2).

Go's ServeMux stands before gin: it redirects what is not clean (`//`, `.`, `..`) by the path as it
was sent. gin then routes by the decoded path and redirects when only a slash at the end is amiss.
"""

from __future__ import annotations

import html
import re
from urllib.parse import quote

from starlette.types import ASGIApp, Receive, Scope, Send

from ollama_facade.server.error_responses import PLAIN, Headers
from ollama_facade.server.request_state import RequestState
from ollama_facade.server.routes import Routes

_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_UNSAFE_IN_PREFIX = re.compile(r"[^a-zA-Z0-9/-]+")
_SLASHES = re.compile(r"/{2,}")
_GO_PATH_SAFE = "/$&+,:;=@~"
_STATUS_TEXT = {301: "Moved Permanently", 307: "Temporary Redirect"}

WholeResponse = tuple[int, Headers, bytes]


class RedirectMiddleware:
    """Answers a target that is no path, and redirects a path that is nearly one of `routes`."""

    def __init__(self, app: ASGIApp, routes: Routes) -> None:
        self.app = app
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers or passes on one request."""
        if scope["type"] == "http":
            state = RequestState.of(scope)
            response = self._response(state)
            if response is not None:
                await state.respond_early(send, *response)
                return
        await self.app(scope, receive, send)

    def _response(self, state: RequestState) -> WholeResponse | None:
        head = state.head
        if not head.raw_path.startswith("/"):
            return not_a_path(head.method, head.raw_path)
        if is_malformed(head.raw_path):
            return 400, [PLAIN], b"400 Bad Request"
        clean = clean_path(head.raw_path)
        if clean != head.raw_path and head.method != "CONNECT":
            return redirect_to_clean(clean, head.query, head.method)
        if state.route is None:
            other = self._routes.with_other_slash(head.path, head.method)
            if other is not None:
                return redirect_slash(other, head.prefix, head.query, head.method)
        return None


class RouteErrorMiddleware:
    """Answers 404 to a path without route, and 405 to a method that its route does not have."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers or passes on one request."""
        if scope["type"] == "http":
            state = RequestState.of(scope)
            if state.route is None:
                await state.respond_early(send, 404, [PLAIN], b"404 page not found")
                return
            if state.operation is None:
                headers = [*state.allow, PLAIN]
                await state.respond_early(send, 405, headers, b"405 method not allowed")
                return
        await self.app(scope, receive, send)


def is_malformed(raw_path: str) -> bool:
    """Whether the path holds a `%` that begins no escape, which Go's server refuses."""
    return "%" in raw_path and _ESCAPE.search(raw_path) is not None


def clean_path(path: str) -> str:
    """Returns the path without double slashes and dot segments; a slash at its end stays."""
    if "//" not in path and "/." not in path:
        return path
    segments: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del segments[-1:]
        elif segment not in ("", "."):
            segments.append(segment)
    clean = "/" + "/".join(segments)
    return clean + "/" if path.endswith("/") and clean != "/" else clean


def not_a_path(method: str, target: str) -> WholeResponse:
    """Returns the response to a target that is no path.

    `OPTIONS *` asks for the server itself, as in Go; CONNECT names a host.
    """
    if target == "*" and method == "OPTIONS":
        return 200, [], b""
    if method == "CONNECT":
        return 404, [PLAIN], b"404 page not found"
    return 400, [PLAIN], b"400 Bad Request"


def redirect_to_clean(clean: str, query: bytes, method: str) -> WholeResponse:
    """Returns ServeMux's redirect (307) to the cleaned path.

    (golden http/double-slash, http/dot-segment)
    """
    return _redirect(307, clean, query, method)


def redirect_slash(path: str, prefix: str, query: bytes, method: str) -> WholeResponse:
    """Returns gin's redirect to the path with the right slash: 301 for GET, else 307.

    `path` is decoded. `prefix` is the header X-Forwarded-Prefix, of which gin keeps letters,
    digits, `-` and `/`.
    """
    target = quote(path, safe=_GO_PATH_SAFE)
    if prefix:
        safe = _SLASHES.sub("/", _UNSAFE_IN_PREFIX.sub("", prefix))
        target = clean_path(f"/{safe}/{target}")
    return _redirect(301 if method == "GET" else 307, target, query, method)


def _redirect(status: int, path: str, query: bytes, method: str) -> WholeResponse:
    location = path + ("?" + query.decode("latin-1") if query else "")
    headers = [(b"location", location.encode("latin-1"))]
    body = b""
    if method in ("GET", "HEAD"):
        headers.append((b"content-type", b"text/html; charset=utf-8"))
    if method == "GET":
        link = html.escape(location).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")
        body = f'<a href="{link}">{_STATUS_TEXT[status]}</a>.\n\n'.encode("latin-1")
    return status, headers, body
