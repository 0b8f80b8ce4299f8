"""Heads and bodies in as few packets as they need."""

from __future__ import annotations

from typing import Any

COPIED = 64 * 1024
"""Bytes of a body that leave in one packet with the head; more are not worth a copy."""


def write_together(transport: Any, head: bytes, body: bytes) -> None:
    """Writes both to a transport: at once, unless the body is long."""
    if len(body) <= COPIED:
        transport.write(head + body)
    else:
        transport.write(head)
        transport.write(body)


class Gathering:
    """The transport of one answer with a body: its head goes out with the first part of that.

    That is one packet and one system call instead of two. Whoever answers here gives both at once.
    """

    __slots__ = ("_cycle", "_head", "_transport")

    def __init__(self, transport: Any, cycle: Any) -> None:
        self._transport = transport
        self._head: bytes | None = b""
        self._cycle = cycle

    def write(self, data: bytes) -> None:
        """Takes the head, or sends what comes; `100 Continue` comes before the head."""
        if self._head is None:
            self._transport.write(data)
        elif self._head:
            head, self._head = self._head, None
            write_together(self._transport, head, data)
        elif self._cycle.response_started:
            self._head = data
        else:
            self._transport.write(data)

    def close(self) -> None:
        """Closes the connection when everything is sent."""
        if self._head:
            self.write(b"")
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
