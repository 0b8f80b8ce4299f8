from __future__ import annotations

import copy
from typing import Any

import pytest

from ollama_facade import contract
from ollama_facade.clock import Clock
from ollama_facade.errors import ContractError
from ollama_facade.operations import Handler
from ollama_facade.operations.context import Json, RequestContext
from ollama_facade.server.app import dispatch


async def version(_context: RequestContext) -> Json:
    return Json({"version": "1"})


HANDLERS: dict[str, Handler] = {"version": version}


def test_a_document_with_an_operation_that_nobody_handles_does_not_start() -> None:
    document: dict[str, Any] = copy.deepcopy(contract.document())
    with pytest.raises(ContractError, match="no method for the operation"):
        dispatch(document, HANDLERS, Clock())
