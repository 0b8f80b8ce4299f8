"""Connexion's place for a validator of bodies, filled by the contract's decoder."""

from __future__ import annotations

from typing import Any

from connexion.validators import AbstractRequestBodyValidator
from starlette.types import Receive, Scope

from ollama_facade.contract.decoder import decoder
from ollama_facade.errors import OllamaError
from ollama_facade.golang.scanner import MISSING


class BodyValidator(AbstractRequestBodyValidator):  # type: ignore[misc] # it has no types
    """Connexion's place for a body validator, for its `validator_map`.

    The door has put the whole body into ``scope["facade.body"]``; what it holds comes to lie in
    ``scope["facade.checked"]``. An OllamaError goes up to the application's handler.
    """

    def __init__(self, *, schema: dict[str, Any], **options: Any) -> None:
        super().__init__(schema=schema, **options)
        name = schema.get("x-ollama-component") or schema.get("x-ollama-struct")
        self._decoder = decoder(name) if name else None

    async def wrap_receive(self, receive: Receive, *, scope: Scope) -> tuple[Receive, Scope]:
        """Decode the body. The channel and the scope are passed on as they are."""
        if self._decoder is not None:
            try:
                scope["facade.checked"] = self._decoder.decode(scope["facade.body"])
            except OllamaError as error:
                if error.message == MISSING and scope.get("path", "").startswith("/v1/"):
                    # Ollama's translators read the body before it looks whether there is one.
                    raise OllamaError(400, "EOF") from None
                raise
        return receive, scope
