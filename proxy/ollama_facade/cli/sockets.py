"""Opens the listening sockets before anything else starts, and tells the URL that reaches them."""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence
from contextlib import ExitStack

from ollama_facade.config.settings import Settings
from ollama_facade.errors import SettingsError

BACKLOG = 2048

LOOPBACK = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - not bound to
"""The address at which a client reaches a service that listens on all interfaces."""

_ABSENT = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT)


def listen(
    host: str, port: int, setting: str = "OLLAMA_HOST", *, shared: bool = False
) -> list[socket.socket]:
    """Opens a listening TCP socket on each address of `host` (`""`: all); port 0 is a free one.

    Addresses of a family that the machine does not have are left out, unless there is no other.
    `shared` allows more sockets of this user to listen `beside` these. Raises SettingsError, in one
    line that names the `setting`, when the port is taken or the host is not local.
    """
    try:
        addresses = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (OSError, UnicodeError) as error:
        raise SettingsError(f"{setting}: no such host {host!r}: {error}") from None
    sockets: list[socket.socket] = []
    with ExitStack() as opened:
        missing: OSError | None = None
        for family, _, _, _, address in dict.fromkeys(addresses):
            # Port 0 means one port: all addresses use that of the first.
            chosen = sockets[0].getsockname()[1] if sockets else port
            try:
                bound = _open_shared(family, (address[0], chosen, *address[2:]), shared=shared)
            except OSError as error:
                if error.errno not in _ABSENT:
                    raise SettingsError(_refusal(setting, host, chosen, error)) from None
                missing = error
            else:
                sockets.append(opened.enter_context(bound))
        if missing and not sockets:
            raise SettingsError(_refusal(setting, host, port, missing))
        opened.pop_all()
    return sockets


def listen_for(loaded: Settings, *, shared: bool = False) -> tuple[list[socket.socket], Settings]:
    """Opens the sockets of OLLAMA_HOST, then those of FACADE_METRICS_HOST.

    Returns the settings too, with the real port of the latter. Raises SettingsError as `listen`
    does, and when both have one port.
    """
    sockets = listen(loaded.host, loaded.port, shared=shared)
    if loaded.metrics_host is None or not loaded.metrics:
        return sockets, loaded.model_copy(update={"metrics_host": None})
    host, port = loaded.metrics_host
    if port == sockets[0].getsockname()[1]:
        raise SettingsError("FACADE_METRICS_HOST: its port must not be that of OLLAMA_HOST")
    more = listen(host, port, "FACADE_METRICS_HOST", shared=shared)
    host_port = (host, more[0].getsockname()[1])
    return [*sockets, *more], loaded.model_copy(update={"metrics_host": host_port})


def beside(sockets: Sequence[socket.socket]) -> list[socket.socket]:
    """Opens sockets on the addresses of shared ones; the kernel distributes connections among them.

    Processes that share one socket would not get equal parts: the first that wakes up accepts all
    waiting connections.
    """
    return [_open(opened.family, opened.getsockname(), shared=True) for opened in sockets]


def _open_shared(family: int, address: tuple[object, ...], *, shared: bool) -> socket.socket:
    opened = _open(family, address)
    if not shared:
        return opened
    # Bound exclusively first: a shared bind would not fail when another process has the port.
    bound_address = opened.getsockname()
    opened.close()
    return _open(family, bound_address, shared=True)


def _open(family: int, address: tuple[object, ...], *, shared: bool = False) -> socket.socket:
    # asyncio disables Nagle's algorithm only where the protocol is named; with it every second
    # write of an answer waits 40 ms for the client to acknowledge the first.
    opened = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        opened.bind(address)
        # Only a listening socket prevents another from binding the same port.
        opened.listen(BACKLOG)
    except OSError:
        opened.close()
        raise
    return opened


def _refusal(setting: str, host: str, port: int, error: OSError) -> str:
    where = f"{host or '*'}:{port}"
    if error.errno == errno.EADDRINUSE:
        hint = "; choose another with --port" if setting == "OLLAMA_HOST" else ""
        return f"{setting}: {where} is taken by another process{hint}"
    return f"{setting}: cannot listen on {where}: {error.strerror}"


def client_url(host: str, port: int) -> str:
    """Returns the URL of a service that listens there; loopback for all interfaces (env.go:62-83).

    >>> client_url("::", 11434)
    'http://[::1]:11434'
    """
    reachable = LOOPBACK.get(host, host)
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"
