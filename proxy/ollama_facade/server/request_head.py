"""Reads the head of a request in one pass over its headers."""

from __future__ import annotations

import random
import re
from urllib.parse import unquote

from starlette.types import Scope

BODY_COMPLETE = "ollama_facade.body_complete"
"""ASGI extension of `protocol`: the whole request is there before the application is called."""

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
_ABSOLUTE = re.compile(r"(?i:https?)://([^/?#]*)(/.*)?", re.DOTALL)

DISCARDED_BYTES = 262_144
"""Bytes of an unread body that are worth a connection; Go's server draws the same line."""

_MAX_REQUEST_ID_LENGTH = 128
_random = random.Random()  # noqa: S311 - an id is no secret, and the kernel need not be asked
_UNKNOWN_LENGTH = 1 << 62
"""More bytes than anybody reads, for a body whose length nobody knows."""


class RequestHead:
    """The head of one request.

    `path` is decoded and without the host of an absolute target, `raw_path` is the same as it was
    sent, `target` is what the log shows. `arrived` says that the whole request is there, `declared`
    is the Content-Length (None: no such header), `unread_bytes` how much body there may be,
    `is_ambiguous` whether its end is given in two ways, `content_type` is as it was sent.
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
        fields: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            if name in _READ:
                # Two hosts are no host; of every other header the first one counts, as in Go.
                fields[name] = (
                    fields.get(name, value) if name != b"host" or name not in fields else b""
                )
        self.arrived: bool = BODY_COMPLETE in (scope.get("extensions") or ())
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.raw_path: str = (scope.get("raw_path") or self.path.encode()).decode("latin-1")
        self.query: bytes = scope.get("query_string", b"")
        self.host = fields.get(b"host", b"")
        self.origin = fields.get(b"origin", b"")
        self.encoding = fields.get(b"content-encoding", b"")
        self.content_type = fields.get(b"content-type", b"").decode("latin-1")
        self.prefix = fields.get(b"x-forwarded-prefix", b"").decode("latin-1")
        self.request_id = _request_id(fields.get(b"x-request-id", b""))
        self._absolute = not self.raw_path.startswith("/")
        if self._absolute:
            self._take_absolute()
        self.target = self.raw_path
        self._measure(fields)

    def _take_absolute(self) -> None:
        """The host in the target counts, not the header beside it (RFC 9112 §3.2.2)."""
        parts = split_absolute(self.raw_path)
        if parts is not None:
            host, self.raw_path = parts
            self.host = host.encode("latin-1")
            self.path = unquote(self.raw_path)

    def _measure(self, fields: dict[bytes, bytes]) -> None:
        length = fields.get(b"content-length")
        chunked = b"transfer-encoding" in fields
        self.declared = int(length) if length is not None and length.isdigit() else None
        self.is_ambiguous = chunked and length is not None
        self.unread_bytes = _UNKNOWN_LENGTH if chunked else self.declared or 0
        if self.unread_bytes and b"expect" in fields:
            # A refused client may leave its body out: the connection is of no more use.
            self.unread_bytes = _UNKNOWN_LENGTH

    @property
    def costs_connection(self) -> bool:
        """Whether an answer that leaves the body unread ends the connection."""
        return self.unread_bytes > DISCARDED_BYTES or self.is_ambiguous

    def origin_form(self, scope: Scope) -> Scope:
        """Returns the scope with the path of an absolute target instead of the target."""
        if not self._absolute:
            return scope
        return {**scope, "path": self.path, "raw_path": self.raw_path.encode("latin-1")}


def split_absolute(target: str) -> tuple[str, str] | None:
    """Returns host and path of a target like ``http://host/path``; None when it is none."""
    match = _ABSOLUTE.fullmatch(target)
    if match is None:
        return None
    return match[1].rpartition("@")[2], match[2] or "/"


def _request_id(value: bytes) -> str:
    """Returns the client's id when it is short and plain, else a new one."""
    text = value.decode("latin-1")
    plain = text.isascii() and text.isprintable() and 0 < len(text) <= _MAX_REQUEST_ID_LENGTH
    return text if plain else f"{_random.getrandbits(64):016x}"
