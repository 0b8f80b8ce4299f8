"""The keys of clients: none is asked for until FACADE_API_KEYS names some (faults.md row 40).

Ollama's own server has none; its clients send theirs from OLLAMA_API_KEY as `Authorization:
Bearer`, and clients of Anthropic's API send `x-api-key`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

from pydantic import SecretStr

from ollama_facade.errors import OllamaError
from ollama_facade.server.documentation import DOCUMENTATION
from ollama_facade.server.interface import INTERFACE

PUBLIC = frozenset(("/", "/healthz", "/readyz")) | {*DOCUMENTATION, *INTERFACE}
"""The paths that need no key: what tells that the service is there and well, and how it is used."""

ANTHROPIC = "/v1/"
"""What lies below takes `x-api-key` too."""

_Header = tuple[bytes, bytes]


class Keys:
    """Says whether a request holds one of the keys, in a time that tells nothing of them."""

    def __init__(self, keys: Iterable[SecretStr]) -> None:
        # Of digests not even the length of a key can be told.
        self._digests = tuple(_digest(key.get_secret_value().encode()) for key in keys)

    def refusal(self, path: str, headers: Iterable[_Header]) -> OllamaError | None:
        """The error for a request that needs a key and has none of ours."""
        if not self._digests or path in PUBLIC:
            return None
        given = _digest(presented(path, headers))
        # Each key is compared, also after one that fits.
        if sum(hmac.compare_digest(given, digest) for digest in self._digests):
            return None
        return OllamaError(401, "unauthorized")


def presented(path: str, headers: Iterable[_Header]) -> bytes:
    """The key that a request brings, empty when there is none."""
    bearer = other = b""
    for name, value in headers:
        if name == b"authorization":
            scheme, _, key = value.strip().partition(b" ")
            if scheme.lower() == b"bearer":
                bearer = bearer or key.strip()
        elif name == b"x-api-key" and path.startswith(ANTHROPIC):
            other = other or value.strip()
    return bearer or other


def authorized(path: str, headers: list[_Header]) -> list[_Header]:
    """The headers with the key as `Authorization`, also where it came as `x-api-key`."""
    if not path.startswith(ANTHROPIC) or any(name == b"authorization" for name, _ in headers):
        return headers
    key = presented(path, headers)
    return [*headers, (b"authorization", b"Bearer " + key)] if key else headers


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()
