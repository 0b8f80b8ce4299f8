"""The keys of clients: none is needed until FACADE_API_KEYS names some (faults.md row 40).

Ollama's own server has none; its clients send theirs from OLLAMA_API_KEY as `Authorization:
Bearer`, and clients of Anthropic's API send `x-api-key` (`Operation.key_header`).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

from pydantic import SecretStr
from starlette.types import ASGIApp, Receive, Scope, Send

from ollama_facade.contract import Operation
from ollama_facade.errors import OllamaError
from ollama_facade.server.request_state import RequestState

_Header = tuple[bytes, bytes]


class KeyMiddleware:
    """Refuses requests without one of the keys; what is passed on has its key as a bearer token."""

    def __init__(self, app: ASGIApp, keys: Iterable[SecretStr] = ()) -> None:
        self.app = app
        self._policy = KeyPolicy(keys)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers or passes on one request."""
        if scope["type"] == "http":
            state = RequestState.of(scope)
            refusal = self._policy.refusal(state.operation, scope["headers"])
            if refusal is not None:
                await state.refuse_early(send, refusal)
                return
            if state.operation is not None and state.operation.key_header:
                headers = with_bearer_token(scope["headers"], state.operation.key_header)
                scope = {**scope, "headers": headers}
        await self.app(scope, receive, send)


class KeyPolicy:
    """Decides whether a request has one of the keys, in constant time."""

    def __init__(self, keys: Iterable[SecretStr]) -> None:
        # Digests, so that not even the length of a key shows in the time.
        self._digests = tuple(_digest(key.get_secret_value().encode()) for key in keys)

    def refusal(
        self, operation: Operation | None, headers: Iterable[_Header]
    ) -> OllamaError | None:
        """Returns the error for a request that needs a key and has none of these."""
        if not self._digests or (operation is not None and operation.public):
            return None
        digest = _digest(presented_key(headers, operation.key_header if operation else ""))
        # Each key is compared, also after one that fits.
        if sum(hmac.compare_digest(digest, own) for own in self._digests):
            return None
        return OllamaError(401, "unauthorized")


def presented_key(headers: Iterable[_Header], key_header: str = "") -> bytes:
    """Returns the key of a request: its bearer token, else `key_header`; empty for none."""
    bearer = other = b""
    second_name = key_header.encode()
    for name, value in headers:
        if name == b"authorization":
            scheme, _, key = value.strip().partition(b" ")
            if scheme.lower() == b"bearer":
                bearer = bearer or key.strip()
        elif second_name and name == second_name:
            other = other or value.strip()
    return bearer or other


def with_bearer_token(headers: list[_Header], key_header: str) -> list[_Header]:
    """Returns the headers with the key as `Authorization`, also where it came as `key_header`."""
    if any(name == b"authorization" for name, _ in headers):
        return headers
    key = presented_key(headers, key_header)
    return [*headers, (b"authorization", b"Bearer " + key)] if key else headers


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()
