"""The example of every operation works, on a model that is there."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from typing import Any

import pytest

from contract_tests.contract import (
    GENERATING,
    LIMITS,
    OWN_ONLY,
    Operation,
    faults,
    operations,
)
from contract_tests.target import Target

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


def sent(operation: Operation, target: Target) -> tuple[int, str, bytes]:
    """The example sent: status, content type, body."""
    body: Any = operation.example()
    if isinstance(body, dict):
        body = {**body, **{key: target.model for key in ("model", "name") if key in body}}
        if operation.name in LIMITS:
            body[LIMITS[operation.name]] = 8
        if operation.name in GENERATING:
            body["options"] = {**(body.get("options") or {}), "num_predict": 8}
    path = operation.path.replace("{model}", target.model)
    path = re.sub(r"\{[^}]*\}", "sha256:" + "0" * 64, path)
    request = urllib.request.Request(
        target.url + path,
        None if body is None else json.dumps(body).encode(),
        {"Content-Type": "application/json"},
        method=operation.method,
    )
    try:
        answer = urllib.request.urlopen(request, timeout=120)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        return answer.status, answer.headers.get("Content-Type", ""), answer.read()


@pytest.mark.parametrize("operation", [pytest.param(one, id=one.name) for one in operations()])
def test_the_example_of_the_contract_is_answered_as_documented(
    operation: Operation, target: Target
) -> None:
    if operation.name in OWN_ONLY and not target.own:
        pytest.skip("it would change a server that is not ours")
    status, content_type, body = sent(operation, target)
    assert faults(operation, status, content_type, body) == []
    if operation.name not in MAY_FAIL:
        assert status == 200, body
