"""Which paths exist, and where a path that is nearly right is sent (management.md §1.2).

Go's ServeMux stands before gin: it redirects what is not clean (`//`, `.`, `..`) by the path as it
was sent. gin then routes by the decoded path and redirects when only a slash at the end is amiss.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ollama_facade.server.answers import PLAIN, Headers

METHODS = ("HEAD", "GET", "POST", "DELETE", "PUT", "PATCH")
"""In the order in which Ollama registers them, which is the order of `Allow`."""

QUEUED = frozenset(
    (
        "/api/chat",
        "/api/generate",
        "/api/embed",
        "/api/embeddings",
        "/v1/chat/completions",
        "/v1/completions",
        "/v1/embeddings",
        "/v1/audio/transcriptions",
        "/v1/messages",
        "/v1/responses",
    )
)
"""The paths whose POST requests count against OLLAMA_MAX_QUEUE."""

_PARAMETER = re.compile(r"\{[^{}/]+\}")
_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ABSOLUTE = re.compile(r"(?i:https?)://([^/?#]*)(/.*)?", re.DOTALL)
_UNSAFE_IN_PREFIX = re.compile(r"[^a-zA-Z0-9/-]+")
_SLASHES = re.compile(r"/{2,}")
_GO_PATH_SAFE = "/$&+,:;=@~"
_STATUS_TEXT = {301: "Moved Permanently", 307: "Temporary Redirect"}

Answer = tuple[int, Headers, bytes]


@dataclass(frozen=True, slots=True)
class Route:
    """One path template: its methods, and the value of `Allow` for any other method."""

    template: str
    methods: frozenset[str]
    allow: bytes


class Paths:
    """All routes; a path without parameters is one look-up."""

    def __init__(self, table: Mapping[str, Sequence[str]]) -> None:
        self._fixed: dict[str, Route] = {}
        self._patterns: list[tuple[re.Pattern[str], Route]] = []
        for template, methods in table.items():
            allow = ", ".join(sorted(methods, key=METHODS.index)).encode()
            route = Route(template, frozenset(methods), allow)
            if "{" in template:
                self._patterns.append((_pattern(template), route))
            else:
                self._fixed[template] = route

    def find(self, path: str) -> Route | None:
        """The route of a decoded path. A parameter is one segment that is not empty."""
        route = self._fixed.get(path)
        if route is not None:
            return route
        for pattern, route in self._patterns:
            if pattern.fullmatch(path):
                return route
        return None

    def with_other_slash(self, path: str, method: str) -> str | None:
        """The path with one slash at its end more or less, when that one has this method."""
        if path == "/":
            return None
        other = path[:-1] if path.endswith("/") else path + "/"
        route = self.find(other)
        return other if route is not None and method in route.methods else None


def routes(document: Mapping[str, Any]) -> dict[str, list[str]]:
    """Path template → methods in the order of `Allow`, read from an OpenAPI document."""
    return {
        template: [method for method in METHODS if method.lower() in item]
        for template, item in document["paths"].items()
    }


def is_malformed(raw_path: str) -> bool:
    """Whether the path holds a `%` that begins no escape, which Go's server refuses."""
    return "%" in raw_path and _ESCAPE.search(raw_path) is not None


def split_absolute(target: str) -> tuple[str, str] | None:
    """Host and path of a target like ``http://host/path``; None when it is none."""
    match = _ABSOLUTE.fullmatch(target)
    if match is None:
        return None
    return match[1].rpartition("@")[2], match[2] or "/"


def cleaned(path: str) -> str:
    """The path without double slashes and dot segments; a slash at its end stays."""
    if "//" not in path and "/." not in path:
        return path
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    clean = "/" + "/".join(kept)
    return clean + "/" if path.endswith("/") and clean != "/" else clean


def no_path(method: str, target: str) -> Answer:
    """The answer to a target that is no path.

    `OPTIONS *` asks for the server itself, as in Go; CONNECT names a host.
    """
    if target == "*" and method == "OPTIONS":
        return 200, [], b""
    if method == "CONNECT":
        return 404, [PLAIN], b"404 page not found"
    return 400, [PLAIN], b"400 Bad Request"


def redirect_to_clean(clean: str, query: bytes, method: str) -> Answer:
    """ServeMux's redirect (307) to the cleaned path (golden http/double-slash, dot-segment)."""
    return _redirect(307, clean, query, method)


def redirect_slash(path: str, prefix: str, query: bytes, method: str) -> Answer:
    """The redirect of gin to the path with the right slash: 301 for GET, 307 for the other methods.

    `path` is decoded. `prefix` is the header X-Forwarded-Prefix, of which gin keeps letters,
    digits, `-` and `/`.
    """
    target = quote(path, safe=_GO_PATH_SAFE)
    if prefix:
        safe = _SLASHES.sub("/", _UNSAFE_IN_PREFIX.sub("", prefix))
        target = cleaned(f"/{safe}/{target}")
    return _redirect(301 if method == "GET" else 307, target, query, method)


def _redirect(status: int, path: str, query: bytes, method: str) -> Answer:
    location = path + ("?" + query.decode("latin-1") if query else "")
    headers = [(b"location", location.encode("latin-1"))]
    body = b""
    if method in ("GET", "HEAD"):
        headers.append((b"content-type", b"text/html; charset=utf-8"))
    if method == "GET":
        link = html.escape(location).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")
        body = f'<a href="{link}">{_STATUS_TEXT[status]}</a>.\n\n'.encode("latin-1")
    return status, headers, body


def _pattern(template: str) -> re.Pattern[str]:
    fixed = (re.escape(part) for part in _PARAMETER.split(template))
    return re.compile("[^/]+".join(fixed))
