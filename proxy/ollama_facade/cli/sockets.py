"""Sockets to listen on, opened before anything else is started, and the URL that reaches them."""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence
from contextlib import ExitStack

from ollama_facade.config.settings import Settings
from ollama_facade.errors import SettingsError

BACKLOG = 2048

LOOPBACK = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - not bound to
"""Where a client reaches a service that listens on all interfaces."""

_ABSENT = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT)


def listen(
    host: str, port: int, setting: str = "OLLAMA_HOST", *, shared: bool = False
) -> list[socket.socket]:
    """A TCP socket that listens on each address of `host` (`""`: on all); port 0 takes a free one.

    Addresses of a family that the machine does not have are left out, unless there is no other.
    `shared`: more sockets of this user can listen `beside` these.
    Raises SettingsError, in one line that names the `setting`, when the port is taken or the host
    is not ours.
    """
    try:
        found = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (OSError, UnicodeError) as error:
        raise SettingsError(f"{setting}: no such host {host!r}: {error}") from None
    sockets: list[socket.socket] = []
    with ExitStack() as opened:
        missing: OSError | None = None
        for family, _, _, _, address in dict.fromkeys(found):
            # Port 0 is one port: what the first address got, the others take.
            chosen = sockets[0].getsockname()[1] if sockets else port
            try:
                bound = _bound(family, (address[0], chosen, *address[2:]), shared=shared)
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


def listen_for(given: Settings, *, shared: bool = False) -> tuple[list[socket.socket], Settings]:
    """The sockets of OLLAMA_HOST, then those of FACADE_METRICS_HOST, and the settings as they are.

    Port 0 of the latter is then the port that it got. Raises SettingsError as `listen` does, and
    when both have one port.
    """
    sockets = listen(given.host, given.port, shared=shared)
    if given.metrics_host is None or not given.metrics:
        return sockets, given.model_copy(update={"metrics_host": None})
    host, port = given.metrics_host
    if port == sockets[0].getsockname()[1]:
        raise SettingsError("FACADE_METRICS_HOST: its port must not be that of OLLAMA_HOST")
    more = listen(host, port, "FACADE_METRICS_HOST", shared=shared)
    place = (host, more[0].getsockname()[1])
    return [*sockets, *more], given.model_copy(update={"metrics_host": place})


def beside(sockets: Sequence[socket.socket]) -> list[socket.socket]:
    """Sockets that listen where these shared ones do. The kernel deals connections out among them.

    Processes that listen on one socket would not get equal shares: the first that wakes up takes
    all the connections that wait.
    """
    return [_opened(one.family, one.getsockname(), shared=True) for one in sockets]


def _bound(family: int, address: tuple[object, ...], *, shared: bool) -> socket.socket:
    opened = _opened(family, address)
    if not shared:
        return opened
    # Bound alone first: a shared port would not tell that another process is there already.
    taken = opened.getsockname()
    opened.close()
    return _opened(family, taken, shared=True)


def _opened(family: int, address: tuple[object, ...], *, shared: bool = False) -> socket.socket:
    # asyncio turns Nagle's delay off only where the protocol is named: without it every second
    # write of an answer waits 40 ms for the client's kernel to acknowledge the first.
    opened = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        opened.bind(address)
        # Only a listening socket keeps another from binding the same port.
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
    """The URL to reach a service that listens there; on all interfaces: by loopback (env.go:62-83).

    >>> client_url("::", 11434)
    'http://[::1]:11434'
    """
    reachable = LOOPBACK.get(host, host)
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"
