"""What the door reads from the head of a request, in one pass over its headers."""

from __future__ import annotations

import random
from urllib.parse import unquote

from starlette.types import Scope

from ollama_facade.server.routing import split_absolute

_READ = frozenset(
    (
        b"content-length",
        b"expect",
        b"host",
        b"origin",
        b"transfer-encoding",
        b"x-forwarded-prefix",
        b"x-request-id",
        b"content-encoding",
        b"content-type",
    )
)
_REPLACED = frozenset(
    (b"content-encoding", b"content-length", b"content-type", b"expect", b"transfer-encoding")
)
_JSON = (b"content-type", b"application/json")
FORM = "/v1/audio/transcriptions"
"""The one path whose body is a form."""

_BYTES = (b"content-type", b"application/octet-stream")

UNREAD = "/api/blobs/"
"""What lies below is refused or known without its body, which may be many gigabytes."""

DISCARDED = 262_144
"""Bytes of an unread body that are worth a connection; Go's server draws the same line."""

_LONGEST_REQUEST_ID = 128
_random = random.Random()  # noqa: S311 - an id is no secret, and the kernel need not be asked
_UNKNOWN = 1 << 62
"""More bytes than anybody reads, for a body whose length nobody knows."""


class RequestHead:
    """The head of one request.

    `path` is decoded and without the host of an absolute target, `raw_path` is the same as it was
    sent, `target` is what the log shows. `arrived` says that the whole request is there, `declared`
    is the Content-Length (None: no such header), `unread_bytes` how much body there may be,
    `is_ambiguous` whether its end is told twice, `content_type` as it was sent.
    """

    __slots__ = (
        "_absolute",
        "arrived",
        "content_type",
        "declared",
        "encoding",
        "host",
        "is_ambiguous",
        "method",
        "origin",
        "path",
        "prefix",
        "query",
        "raw_path",
        "request_id",
        "target",
        "unread_bytes",
    )

    def __init__(self, scope: Scope) -> None:
        found: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            if name in _READ:
                # Two hosts are no host; of every other header the first one counts, as in Go.
                found[name] = (
                    found.get(name, value) if name != b"host" or name not in found else b""
                )
        self.arrived: bool = "facade.arrived" in scope
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.raw_path: str = (scope.get("raw_path") or self.path.encode()).decode("latin-1")
        self.query: bytes = scope.get("query_string", b"")
        self.host = found.get(b"host", b"")
        self.origin = found.get(b"origin", b"")
        self.encoding = found.get(b"content-encoding", b"")
        self.content_type = found.get(b"content-type", b"").decode("latin-1")
        self.prefix = found.get(b"x-forwarded-prefix", b"").decode("latin-1")
        self.request_id = _request_id(found.get(b"x-request-id", b""))
        self._absolute = not self.raw_path.startswith("/")
        if self._absolute:
            self._take_absolute()
        self.target = self.raw_path
        self._measure(found)

    def _take_absolute(self) -> None:
        """The host in the target counts, not the header beside it (RFC 9112 §3.2.2)."""
        parts = split_absolute(self.raw_path)
        if parts is not None:
            host, self.raw_path = parts
            self.host = host.encode("latin-1")
            self.path = unquote(self.raw_path)

    def _measure(self, found: dict[bytes, bytes]) -> None:
        length = found.get(b"content-length")
        chunked = b"transfer-encoding" in found
        self.declared = int(length) if length is not None and length.isdigit() else None
        self.is_ambiguous = chunked and length is not None
        self.unread_bytes = _UNKNOWN if chunked else self.declared or 0
        if self.unread_bytes and b"expect" in found:
            # A refused client may leave its body out: the connection is of no more use.
            self.unread_bytes = _UNKNOWN

    @property
    def costs_connection(self) -> bool:
        """Whether an answer that leaves the body unread ends the connection."""
        return self.unread_bytes > DISCARDED or self.is_ambiguous

    def inner_scope(self, scope: Scope, body: bytes) -> Scope:
        """The scope of the application: JSON (or a blob) of a known length, whatever was said."""
        headers = [pair for pair in scope["headers"] if pair[0] not in _REPLACED]
        if self.method not in ("GET", "HEAD"):
            raw = self.path.startswith(UNREAD) or self.path == FORM
            headers += (_BYTES if raw else _JSON, (b"content-length", b"%d" % len(body)))
        inner = {
            **scope,
            "headers": headers,
            "facade.body": body,
            "facade.content_type": self.content_type,
        }
        if self._absolute:
            inner["path"] = self.path
            inner["raw_path"] = self.raw_path.encode("latin-1")
        return inner


def _request_id(value: bytes) -> str:
    """The client's id when it is short and plain, else one that is made here."""
    text = value.decode("latin-1")
    plain = text.isascii() and text.isprintable() and 0 < len(text) <= _LONGEST_REQUEST_ID
    return text if plain else f"{_random.getrandbits(64):016x}"
