"""Where a watched service may connect, and the search for connections elsewhere (faults.md P7).

`tests.service` says where, from the settings; `tests.watched` looks, and writes STRAY to the log.
"""

from __future__ import annotations

import ipaddress
import json
import os
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

VARIABLE = "WATCHED_PEERS"
"""Names the peers to the process, as JSON: `host:port`, or LOOPBACK."""

LOOPBACK = "loopback"
"""Any port of this machine: the embedded backend's is chosen by the system."""

STRAY = "A CONNECTION WENT ELSEWHERE"

CONNECTS = ("socket.connect", "socket.sendto")
LOOKUPS = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")


def reported(settings: Mapping[str, str], arguments: Sequence[str]) -> list[str]:
    """The only peers of a service: its proxy where it has one, else its backend."""
    if "--local" in arguments:
        return [LOOPBACK]
    url = settings.get("FACADE_BACKEND_PROXY") or settings.get("OPENAI_BASE_URL")
    parts = urlsplit(url or "")
    if not parts.hostname:
        return []
    port = parts.port or (443 if parts.scheme == "https" else 80)
    hosts = ("127.0.0.1", "::1") if parts.hostname == "localhost" else (parts.hostname,)
    return [f"{host}:{port}" for host in hosts]


def to_environment(peers: Collection[str]) -> dict[str, str]:
    """What `tests.watched` reads."""
    return {VARIABLE: json.dumps(sorted(peers))}


class Peers:
    """Looks at what Python tells of sockets; `hook` is for `sys.addaudithook`."""

    def __init__(self, allowed: Collection[str]) -> None:
        self._allowed = frozenset(allowed)
        self._names = {one.rpartition(":")[0] for one in allowed} | {"localhost", "", "None"}

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Writes a line for a connection or a lookup that leads elsewhere."""
        if event in CONNECTS and not self.is_allowed(arguments[1]):
            os.write(2, f"{STRAY}: {event} {arguments[1]!r}\n".encode())
        elif event in LOOKUPS and not self.is_known(arguments[0]):
            os.write(2, f"{STRAY}: {event} {arguments[0]!r}\n".encode())

    def is_allowed(self, address: Any) -> bool:
        """Whether a socket may be connected to this address; sockets of files are nobody's."""
        if not isinstance(address, tuple):
            return False
        host, port = str(address[0]), address[1]
        if f"{host}:{port}" in self._allowed:
            return True
        return LOOPBACK in self._allowed and ipaddress.ip_address(host).is_loopback

    def is_known(self, name: Any) -> bool:
        """Whether a name may be looked up; addresses need no lookup."""
        text = name.decode() if isinstance(name, bytes) else str(name)
        try:
            ipaddress.ip_address(text)
        except ValueError:
            return text in self._names
        return True
