"""Generated requests, good and bad, to every operation: each is answered as the contract says."""

from __future__ import annotations

import os
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, Verbosity, settings

from contract_tests.contract import (
    GENERATING,
    LIMITS,
    OWN_ONLY,
    document,
    faults,
    operations,
)
from contract_tests.target import Target

OPERATIONS = {(one.method, one.path): one for one in operations()}


def generated() -> schemathesis.BaseSchema:
    """The contract as schemathesis reads it: valid requests and broken ones."""
    config = schemathesis.Config.from_dict({"generation": {"mode": "all"}})
    return schemathesis.openapi.from_dict(document(), config=config)


schema = generated()
# How many requests are generated for an operation, beside those that the contract implies.
EXAMPLES = int(os.environ.get("CONTRACT_EXAMPLES", "25"))


def bounded(case: schemathesis.Case, target: Target) -> None:
    """Names a real model in a part of the requests, and asks for short answers there."""
    operation = OPERATIONS[case.method.upper(), case.path]
    body: Any = case.body
    if operation.name in LIMITS and isinstance(body, dict):
        body[LIMITS[operation.name]] = 2
    if operation.name not in (*GENERATING, "show") or not isinstance(body, dict):
        return
    if isinstance(body.get("model"), str) and len(body["model"]) % 2 == 0:
        body["model"] = target.model
    options = body.get("options")
    if isinstance(options, dict) or options is None:
        body["options"] = {**(options or {}), "num_predict": 2}


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    verbosity=Verbosity.quiet,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_documented(case: schemathesis.Case, target: Target) -> None:
    operation = OPERATIONS.get((case.method.upper(), case.path))
    if operation is None:
        refused = case.call(base_url=target.url, timeout=60)
        assert refused.status_code == 405
        assert refused.headers.get("allow")
        return
    if operation.name in OWN_ONLY and not target.own:
        pytest.skip("it would change a server that is not ours")
    bounded(case, target)
    response = case.call(base_url=target.url, timeout=60)
    content_type = (response.headers.get("content-type") or [""])[0]
    found = faults(operation, response.status_code, content_type, response.content)
    assert found == [], f"{found}\n{case.as_curl_command()[:2000]}"
