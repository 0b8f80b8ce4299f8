"""What goes wrong within Connexion, as an error of Ollama's."""

from __future__ import annotations

from collections.abc import Mapping

import structlog
from connexion import AsyncApp
from connexion.exceptions import ProblemException
from connexion.lifecycle import ConnexionRequest, ConnexionResponse
from starlette.exceptions import HTTPException
from starlette.responses import Response

from ollama_facade.errors import OllamaError
from ollama_facade.server.answers import error_body

_log = structlog.get_logger(__name__)


def handle(app: AsyncApp) -> None:
    """Lets nothing that `app` raises be answered in any other way."""
    app.add_error_handler(OllamaError, _on_ollama_error)
    app.add_error_handler(ProblemException, _on_problem)
    app.add_error_handler(HTTPException, _on_problem)
    app.add_error_handler(Exception, _on_bug)


def error_response(
    error: OllamaError,
    path: str,
    headers: Mapping[str, str],
    media_type: str = "application/json; charset=utf-8",
) -> Response:
    """An error as a status of its own; without charset where a stream was to begin (§4.3)."""
    return Response(
        error_body(error, path),
        error.status,
        {**headers, **error.headers},
        media_type,
    )


def response(error: Exception, path: str) -> Response:
    """What the handlers below say, for requests that go Connexion's short way (`tuned`)."""
    if not isinstance(error, OllamaError):
        _log.error("request failed", exc_info=error)
        error = OllamaError(500, "internal server error")
    return error_response(error, path, {})


def _on_ollama_error(request: ConnexionRequest, error: OllamaError) -> ConnexionResponse:
    return _connexion_response(request, error)


def _on_problem(
    request: ConnexionRequest, error: ProblemException | HTTPException
) -> ConnexionResponse:
    status = error.status if isinstance(error, ProblemException) else error.status_code
    told = OllamaError(status, str(error.detail), headers=dict(error.headers or {}))
    return _connexion_response(request, told)


def _on_bug(request: ConnexionRequest, error: Exception) -> ConnexionResponse:
    _log.error("request failed", exc_info=error)
    return _connexion_response(request, OllamaError(500, "internal server error"))


def _connexion_response(request: ConnexionRequest, error: OllamaError) -> ConnexionResponse:
    return ConnexionResponse(
        status_code=error.status,
        mimetype="application/json",
        content_type="application/json; charset=utf-8",
        body=error_body(error, request.scope["path"]),
        headers=dict(error.headers),
    )
