"""Keys that may never come out again, and the search for them (faults.md P6).

Every service under test has OURS as its backend's key, every client sends FORWARDED, and tests of
inbound keys use INBOUND. `tests.watched` searches what a service sends, `tests.service` its log.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

OURS = "sk-canary-5d1f0c7e9b"
INBOUND = "canary-of-a-client-8842"
FORWARDED = "canary-passed-on-3d07f6"

SHORTEST = 8
"""Characters of a secret: shorter ones are words of any text."""

VARIABLE = "WATCHED_SECRETS"
"""Names the secrets to the process, as JSON."""

LEAK = "A SECRET WAS SENT TO A CLIENT"


def to_environment(secrets: Iterable[str]) -> dict[str, str]:
    """What `tests.watched` reads."""
    return {VARIABLE: json.dumps(sorted(secrets))}


class Search:
    """Looks for secrets in bytes that come in pieces."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = [secret.encode() for secret in secrets]
        self._overlap = max((len(secret) for secret in self._secrets), default=1) - 1
        self._tail = b""

    def finds(self, piece: bytes) -> bool:
        """Whether a secret ends in this piece."""
        text = self._tail + piece
        self._tail = text[-self._overlap :] if self._overlap else b""
        return any(secret in text for secret in self._secrets)
