"""CORS as Ollama does it (management.md §1.6): the allowed origins and their headers."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.types import ASGIApp, Receive, Scope, Send

from ollama_facade.errors import SettingsError
from ollama_facade.server.error_responses import Headers
from ollama_facade.server.request_state import RequestState

_LOCAL = ("localhost", "127.0.0.1", "0.0.0.0")  # noqa: S104 - an origin, not an address to bind
_APPLICATIONS = ("app://*", "file://*", "tauri://*", "vscode-webview://*", "vscode-file://*")
DEFAULTS = (
    *(
        entry
        for host in _LOCAL
        for entry in (f"http://{host}", f"https://{host}", f"http://{host}:*", f"https://{host}:*")
    ),
    *_APPLICATIONS,
)
"""The origins that are allowed whatever the settings say (env.go:86-109)."""

SCHEMES = (
    "http://",
    "https://",
    "chrome-extension://",
    "safari-extension://",
    "moz-extension://",
    "ms-browser-extension://",
)
"""Prefixes of which an entry without `*` needs one."""

_METHODS = "GET,POST,PUT,PATCH,DELETE,HEAD,OPTIONS"
_STAINLESS = (
    "Arch,Async,Custom-Poll-Interval,Helper-Method,Lang,Os,Package-Version,Poll-Helper,"
    "Retry-Count,Runtime,Runtime-Version,Timeout"
)
_ALLOWED_HEADERS = (
    "Authorization,Content-Type,User-Agent,Accept,X-Requested-With,Openai-Beta,"
    + ",".join(f"X-Stainless-{name}" for name in _STAINLESS.split(","))
)
_TWELVE_HOURS = "43200"


class CorsMiddleware:
    """Refuses other origins than those of `policy`, answers preflights, and adds the headers."""

    def __init__(self, app: ASGIApp, policy: CorsPolicy) -> None:
        self.app = app
        self._policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers or passes on one request."""
        if scope["type"] == "http":
            state = RequestState.of(scope)
            head = state.head
            if is_cross_origin(head.origin, head.host):
                if not self._policy.allows(head.origin.decode("latin-1")):
                    await state.respond_early(send, 403, state.allow)
                    return
                if head.method == "OPTIONS":
                    headers = [*state.allow, *self._policy.preflight(head.origin)]
                    await state.respond_early(send, 204, headers)
                    return
                _, send = state.writing(send)
                state.response_headers += self._policy.headers(head.origin)
        await self.app(scope, receive, send)


class CorsPolicy:
    """The allowed origins: those of the settings, then the defaults."""

    def __init__(self, extra: Iterable[str] = ()) -> None:
        """Raises SettingsError for an entry at which Ollama would not start."""
        entries = (*extra, *DEFAULTS)
        for entry in entries:
            _check(entry)
        self.all = "*" in entries
        self._exact = frozenset(entry.strip().lower() for entry in entries)
        self._wildcards = tuple(
            (before, after)
            for before, star, after in (entry.partition("*") for entry in entries)
            if star
        )
        preflight = {
            "access-control-allow-methods": _METHODS,
            "access-control-allow-headers": _ALLOWED_HEADERS,
            "access-control-max-age": _TWELVE_HOURS,
        }
        self._preflight: Headers = [
            (name.encode(), text.encode()) for name, text in preflight.items()
        ]
        self._normal: Headers = []
        if self.all:
            self._normal.append((b"access-control-allow-origin", b"*"))
            self._preflight.append((b"access-control-allow-origin", b"*"))
        else:
            self._normal.append((b"vary", b"Origin"))
            self._preflight += [
                (b"vary", b"Origin"),
                (b"vary", b"Access-Control-Request-Method"),
                (b"vary", b"Access-Control-Request-Headers"),
            ]

    def allows(self, origin: str) -> bool:
        """Whether the origin is allowed. It is compared as it was sent, in its own case."""
        return (
            self.all
            or origin in self._exact
            or any(
                origin.startswith(before) and origin.endswith(after)
                for before, after in self._wildcards
            )
        )

    def headers(self, origin: bytes) -> Headers:
        """Returns the headers of a response to an allowed origin."""
        return self._normal if self.all else [*self._normal, _echo(origin)]

    def preflight(self, origin: bytes) -> Headers:
        """Returns the headers of the 204 to an OPTIONS request of an allowed origin."""
        return self._preflight if self.all else [*self._preflight, _echo(origin)]


def is_cross_origin(origin: bytes, host: bytes) -> bool:
    """Whether there is an origin, and it is another than the host of the request."""
    return bool(origin) and origin not in (b"http://" + host, b"https://" + host)


def _echo(origin: bytes) -> tuple[bytes, bytes]:
    return b"access-control-allow-origin", origin


def _check(entry: str) -> None:
    stars = entry.count("*")
    if stars > 1:
        raise SettingsError(f"OLLAMA_ORIGINS: only one * is allowed (in {entry!r})")
    if not stars and not entry.startswith(SCHEMES):
        raise SettingsError(
            f"OLLAMA_ORIGINS: {entry!r} must hold a * or begin with one of {', '.join(SCHEMES)}"
        )
