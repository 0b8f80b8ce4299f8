"""The example of every operation works, on a model that is there."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ollama_contract.checking import expect, not_applicable
from ollama_contract.contract import GENERATING, LIMITS, NAMING, OWN_ONLY, Operation, operations
from ollama_contract.exchange import Asker
from ollama_contract.target import Target

# What these do depends on the account, the network or a folder that is not there by default.
MAY_FAIL = (
    "create",
    "copy",
    "delete",
    "push",
    "create_blob",
    "head_blob",
    "me",
    "signout",
    "delete_key",
    "web_search",
    "web_fetch",
    "model_recommendations",
    "create_transcription",
)
EMBEDDING = ("embed", "embeddings", "create_embeddings")


def example(operation: Operation, target: Target) -> Any:
    """The body of the contract's example, with the model that is there and a short answer."""
    body: Any = operation.example()
    if not isinstance(body, dict):
        return body
    if operation.name in OWN_ONLY:
        made = {key: target.model for key in ("from", "source") if key in body}
        return target.spared({**body, **made}, NAMING)
    model = (operation.name in EMBEDDING and target.embed_model) or target.model
    body = {**body, **{key: model for key in ("model", "name") if key in body}}
    if operation.name in LIMITS:
        body[LIMITS[operation.name]] = 8
    if operation.name in GENERATING:
        body["options"] = {**(body.get("options") or {}), "num_predict": 8}
    return body


@pytest.mark.parametrize("operation", [pytest.param(one, id=one.name) for one in operations()])
def test_the_example_of_the_contract_is_answered_as_documented(
    operation: Operation, target: Target, ask: Asker
) -> None:
    if operation.name in OWN_ONLY and not target.own:
        not_applicable("it changes the server; say --own when it may be changed")
    if operation.name in EMBEDDING and (reason := target.lacks("embedding")):
        not_applicable(reason)
    path = operation.path.replace("{model}", target.model)
    path = re.sub(r"\{[^}]*\}", "sha256:" + "0" * 64, path)
    answer = ask(operation.method, path, example(operation, target))
    if answer.absent and operation.optional:
        not_applicable(f"the server has no {operation.path}")
    if operation.name not in MAY_FAIL:
        stated = answer.body.decode("utf-8", "replace")
        expect(answer.status == 200, "200 for the example of the contract", stated)
