"""Pages of our own beside the contract, with headers that let nothing in from another host.

The door knows their paths only while a setting lets it, and otherwise answers them as any path that
Ollama does not have. The Host rule holds for them. A key does not: a browser cannot send one with
the address of a page, and everything here is public; what a page sends on a visitor's behalf needs
the key like any other request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from starlette.responses import FileResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

HTML = "text/html; charset=utf-8"
JAVASCRIPT = "text/javascript; charset=utf-8"
CSS = "text/css; charset=utf-8"

FOLDER = Path(__file__).resolve().parent / "static"

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    # A newer service must not be shown with an older page.
    "Cache-Control": "no-cache",
}

Pages = Mapping[str, Callable[[], Response]]
"""What answers GET and HEAD of each path."""


def file(path: Path, media_type: str) -> Callable[[], Response]:
    """Answers with a file."""
    return partial(FileResponse, path, 200, HEADERS, media_type)


class Static:
    """Answers the paths of `pages`, and lets `app` answer every other."""

    def __init__(self, app: ASGIApp, pages: Pages) -> None:
        self._app = app
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request. Which methods there are is the door's business."""
        if scope["type"] == "http" and scope["path"] in self._pages:
            await self._pages[scope["path"]]()(scope, receive, send)
        else:
            await self._app(scope, receive, send)
