"""The Host rule: no web page may reach the service by a name that public DNS points at it.

Ollama's rule (management.md §1.7) with three differences (faults.md rows 26 and 27, §6.1): it holds
on every listen address, because in a container that is always 0.0.0.0; an empty host is refused; a
name of one label (`ollama`, the names of a compose file) passes.

Two cases follow the listen address. On a loopback address an IP literal has to be a local one, as
in Ollama; elsewhere any literal passes, since no DNS is asked for it. And on a wide address with
`*` among the origins nothing is checked, as in Ollama (golden host/open-get-evil): every web page
is welcome then, so that there is nothing to protect.
"""

from __future__ import annotations

import enum
import ipaddress
import re
import socket
from collections.abc import Iterable

from starlette.types import ASGIApp, Receive, Scope, Send

from ollama_facade.server.request_state import RequestState

_LOCAL_SUFFIXES = (".localhost", ".local", ".internal")
_LABEL = re.compile(r"[a-z0-9_-]+")
_PRIVATE = tuple(
    ipaddress.ip_network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
)
_MAX_CACHED_HOSTS = 256


class HostKind(enum.Enum):
    """What a Host header is: refused, an address, or a name (which answers OPTIONS itself)."""

    REFUSED = 0
    ADDRESS = 1
    NAME = 2


class TrustedHostMiddleware:
    """Refuses hosts that `policy` refuses; answers OPTIONS to a host that is a name."""

    def __init__(self, app: ASGIApp, policy: HostPolicy) -> None:
        self.app = app
        self._policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers or passes on one request."""
        if scope["type"] == "http":
            state = RequestState.of(scope)
            kind = self._policy.kind(state.head.host.decode("latin-1"))
            if kind is HostKind.REFUSED:
                await state.respond_early(send, 403, state.allow)
                return
            if kind is HostKind.NAME and state.head.method == "OPTIONS":
                await state.respond_early(send, 204, state.allow)
                return
        await self.app(scope, receive, send)


class HostPolicy:
    """The rule for one listen address.

    `allowed` holds further names: `name`, `*.name` for what is below it, `*` for all.
    """

    def __init__(
        self, listen: str, allowed: Iterable[str] = (), *, any_origin: bool = False
    ) -> None:
        entries = [entry.lower() for entry in allowed]
        self._names = {"localhost", socket.gethostname().lower()} - {""}
        self._names.update(entry for entry in entries if "*" not in entry)
        self._suffixes = (
            *_LOCAL_SUFFIXES,
            *(entry[1:] for entry in entries if entry.startswith("*.")),
        )
        self._loopback = is_loopback(listen)
        self._unchecked = "*" in entries or (any_origin and not self._loopback)
        self._cache: dict[str, HostKind] = {}

    def kind(self, header: str) -> HostKind:
        """Returns what the Host header (with its port, if it has one) is."""
        if self._unchecked:
            return HostKind.ADDRESS
        kind = self._cache.get(header)
        if kind is None:
            if len(self._cache) >= _MAX_CACHED_HOSTS:
                self._cache.clear()
            kind = self._cache[header] = self._classify(without_port(header).lower())
        return kind

    def _classify(self, host: str) -> HostKind:
        address = _address(host)
        if address is not None:
            passes = not self._loopback or _is_local(address)
            return HostKind.ADDRESS if passes else HostKind.REFUSED
        named = host in self._names or host.endswith(self._suffixes) or _LABEL.fullmatch(host)
        return HostKind.NAME if named else HostKind.REFUSED


def without_port(header: str) -> str:
    """Returns the host of a Host header: ``::1`` of ``[::1]:80`` and ``::1``, ``a`` of ``a:80``."""
    if header.startswith("["):
        inside, bracket, port = header[1:].partition("]")
        return inside if bracket and (not port or port.startswith(":")) else header
    host, colon, _ = header.rpartition(":")
    return header if not colon or ":" in host else host


def is_loopback(listen: str) -> bool:
    """Whether the address that the service listens on is reached from this machine only."""
    address = _address(listen.strip("[]"))
    return listen.lower() == "localhost" if address is None else address.is_loopback


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _is_local(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return (
        address.is_loopback
        or address.is_unspecified
        or any(address in network for network in _PRIVATE)
    )
