from __future__ import annotations

import copy
from typing import Any

import pytest

from ollama_facade import contract
from ollama_facade.clock import Clock
from ollama_facade.errors import ContractError, OllamaError
from ollama_facade.operations import collect
from ollama_facade.operations.context import Json, RequestContext
from ollama_facade.server.app import connexion_app
from ollama_facade.server.problems import error_response


class Greeting:
    async def version(self, _call: RequestContext) -> Json:
        return Json({"version": "1"})

    async def _hidden(self) -> None:
        raise AssertionError

    def not_an_operation(self) -> None:
        raise AssertionError


def test_the_public_coroutines_of_a_group_are_operations() -> None:
    assert list(collect((Greeting(),))) == ["version"]


def test_a_document_with_an_operation_that_nobody_handles_does_not_start() -> None:
    document: dict[str, Any] = copy.deepcopy(contract.document())
    with pytest.raises(ContractError, match="no method for the operation"):
        connexion_app(document, collect((Greeting(),)), Clock())


def test_an_error_is_a_status_with_ollamas_body_and_its_own_headers() -> None:
    error = OllamaError(429, "slow <down>", headers={"Retry-After": "7"}, fields={"more": 1})
    response = error_response(error, "/api/chat", {"Facade-Dropped": "top_k"})
    assert response.status_code == 429
    assert response.body == b'{"error":"slow \\u003cdown\\u003e","more":1}'
    assert response.headers["retry-after"] == "7"
    assert response.headers["facade-dropped"] == "top_k"
    assert response.headers["content-type"] == "application/json; charset=utf-8"
