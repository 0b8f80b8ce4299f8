"""The Host rule: no web page may reach the service by a name that public DNS points at it.

Ollama's rule (management.md §1.7) with three differences (faults.md rows 26 and 27, §6.1): it is on
whatever address the service listens on, because in a container that is always 0.0.0.0; an empty
host is refused; a name of one label (`ollama`, the names of a compose file) passes.

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

_LOCAL_SUFFIXES = (".localhost", ".local", ".internal")
_LABEL = re.compile(r"[a-z0-9_-]+")
_PRIVATE = tuple(
    ipaddress.ip_network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
)
_REMEMBERED = 256


class HostKind(enum.Enum):
    """What a Host header is: refused, an address, or a name (which answers OPTIONS itself)."""

    REFUSED = 0
    ADDRESS = 1
    NAME = 2


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
        self._seen: dict[str, HostKind] = {}

    def verdict(self, header: str) -> HostKind:
        """What the Host header (with its port, if it has one) is."""
        if self._unchecked:
            return HostKind.ADDRESS
        known = self._seen.get(header)
        if known is None:
            if len(self._seen) >= _REMEMBERED:
                self._seen.clear()
            known = self._seen[header] = self._judge(without_port(header).lower())
        return known

    def _judge(self, host: str) -> HostKind:
        address = _address(host)
        if address is not None:
            passes = not self._loopback or _is_local(address)
            return HostKind.ADDRESS if passes else HostKind.REFUSED
        named = host in self._names or host.endswith(self._suffixes) or _LABEL.fullmatch(host)
        return HostKind.NAME if named else HostKind.REFUSED


def without_port(header: str) -> str:
    """The host of a Host header: ``[::1]:80`` is ``::1``, ``a:80`` is ``a``, ``::1`` is itself."""
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
