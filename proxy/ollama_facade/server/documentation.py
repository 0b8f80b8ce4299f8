"""The pages that document the service: `/docs`, and the contract as `/openapi.json` and `.yaml`.

Nothing comes from another host: Swagger UI lies in the package swagger-ui-bundle.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from starlette.responses import FileResponse, Response
from swagger_ui_bundle import swagger_ui_path

from ollama_facade import contract
from ollama_facade.server.pages import CSS, FOLDER, HEADERS, HTML, JAVASCRIPT, Pages, file

_BUNDLE = Path(swagger_ui_path)


def _as_json() -> Response:
    return Response(_contract(), 200, HEADERS, "application/json")


def _as_yaml() -> Response:
    return FileResponse(contract.file(), 200, HEADERS, "application/yaml")


@cache
def _contract() -> bytes:
    return json.dumps(contract.document(), ensure_ascii=False).encode()


DOCUMENTATION: Pages = {
    "/docs": file(FOLDER / "docs.html", HTML),
    "/docs/page.js": file(FOLDER / "docs.js", JAVASCRIPT),
    "/docs/swagger-ui-bundle.js": file(_BUNDLE / "swagger-ui-bundle.js", JAVASCRIPT),
    "/docs/swagger-ui.css": file(_BUNDLE / "swagger-ui.css", CSS),
    "/openapi.json": _as_json,
    "/openapi.yaml": _as_yaml,
}
