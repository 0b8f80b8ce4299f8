"""Pages beside the contract: `/docs`, `/openapi.json` and `.yaml`, and `/ui` for people.

Their headers let nothing in from another host; Swagger UI lies in the package swagger-ui-bundle.
The paths exist only while a setting says so. The Host rule holds for them. They need no key: a
browser cannot send one with the address of a page, and everything here is public; what a page
requests on a visitor's behalf needs the key like any other request.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from starlette.responses import FileResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from swagger_ui_bundle import swagger_ui_path

from ollama_facade import contract
from ollama_facade.server.health import Endpoints

HTML = "text/html; charset=utf-8"
JAVASCRIPT = "text/javascript; charset=utf-8"
CSS = "text/css; charset=utf-8"

_STATIC = Path(__file__).resolve().parent / "static"
_BUNDLE = Path(swagger_ui_path)

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    # A newer service must not be shown with an older page.
    "Cache-Control": "no-cache",
}


def file(path: Path, media_type: str) -> ASGIApp:
    """Returns an application that sends a file."""

    async def send_file(scope: Scope, receive: Receive, send: Send) -> None:
        await FileResponse(path, 200, HEADERS, media_type)(scope, receive, send)

    return send_file


async def _contract_as_json(scope: Scope, receive: Receive, send: Send) -> None:
    await Response(_contract(), 200, HEADERS, "application/json")(scope, receive, send)


async def _contract_as_yaml(scope: Scope, receive: Receive, send: Send) -> None:
    await file(contract.file(), "application/yaml")(scope, receive, send)


@cache
def _contract() -> bytes:
    return json.dumps(contract.document(), ensure_ascii=False).encode()


DOCUMENTATION: Endpoints = {
    "/docs": file(_STATIC / "docs.html", HTML),
    "/docs/page.js": file(_STATIC / "docs.js", JAVASCRIPT),
    "/docs/swagger-ui-bundle.js": file(_BUNDLE / "swagger-ui-bundle.js", JAVASCRIPT),
    "/docs/swagger-ui.css": file(_BUNDLE / "swagger-ui.css", CSS),
    "/openapi.json": _contract_as_json,
    "/openapi.yaml": _contract_as_yaml,
}

INTERFACE: Endpoints = {
    "/ui": file(_STATIC / "ui.html", HTML),
    "/ui/page.css": file(_STATIC / "ui.css", CSS),
    "/ui/page.js": file(_STATIC / "ui.js", JAVASCRIPT),
}
