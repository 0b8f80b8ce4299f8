"""The pages that document the service: `/docs`, and the contract as `/openapi.json` and `.yaml`.

They are no part of the contract and of Ollama: the door knows their paths only while FACADE_DOCS
lets it, and otherwise answers them as any path that Ollama does not have. The Host rule holds for
them. A key does not: a browser cannot send one with the address of a page, and everything here is
public; what the page sends on a visitor's behalf needs the key like any other request.

Nothing comes from another host. Swagger UI lies in the package swagger-ui-bundle, and the policy
sent along forbids scripts and connections elsewhere, and scripts written into a page.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from starlette.responses import FileResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from swagger_ui_bundle import swagger_ui_path

from proxy import contract

_PAGES = Path(__file__).resolve().parent / "pages"
_BUNDLE = Path(swagger_ui_path)
_JAVASCRIPT = "text/javascript; charset=utf-8"

_FILES = {
    "/docs": (_PAGES / "docs.html", "text/html; charset=utf-8"),
    "/docs/page.js": (_PAGES / "docs.js", _JAVASCRIPT),
    "/docs/swagger-ui-bundle.js": (_BUNDLE / "swagger-ui-bundle.js", _JAVASCRIPT),
    "/docs/swagger-ui.css": (_BUNDLE / "swagger-ui.css", "text/css; charset=utf-8"),
}
_JSON, _YAML = "/openapi.json", "/openapi.yaml"

PATHS = frozenset((*_FILES, _JSON, _YAML))
"""Every path of the documentation, each for GET and HEAD."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    # A newer service must not be shown with an older page.
    "Cache-Control": "no-cache",
}


class Documentation:
    """Answers the paths of the documentation, and lets `app` answer every other."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request. Which methods there are is the door's business."""
        if scope["type"] == "http" and scope["path"] in PATHS:
            await _response(scope["path"])(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _response(path: str) -> Response:
    if path == _JSON:
        return Response(_contract_as_json(), 200, HEADERS, "application/json")
    if path == _YAML:
        return FileResponse(contract.file(), 200, HEADERS, "application/yaml")
    file, media_type = _FILES[path]
    return FileResponse(file, 200, HEADERS, media_type)


@cache
def _contract_as_json() -> bytes:
    return json.dumps(contract.document(), ensure_ascii=False).encode()
