"""Links: what one operation answers, another one takes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from ollama_contract.checking import demand, expect, not_applicable
from ollama_contract.contract import OWN_ONLY, Operation, operations
from ollama_contract.exchange import Asker
from ollama_contract.target import Target

BY_NAME = {one.name: one for one in operations()}


def links() -> Iterator[Any]:
    """Every link of the contract: the operation, the link's name, the link."""
    for operation in operations():
        for response in operation.stated["responses"].values():
            for name, link in response.get("links", {}).items():
                yield pytest.param(operation, link, id=f"{operation.name}-{name}")


def evaluated(expression: Any, request: Any, response: Any) -> Any:
    """A runtime expression of OpenAPI, as `$response.body#/models/0/name`, or an object of some.

    Raises LookupError where the answer does not have it.
    """
    if isinstance(expression, Mapping):
        return {key: evaluated(one, request, response) for key, one in expression.items()}
    found = re.fullmatch(r"\$(request|response)\.body#(/.*)", str(expression))
    if not found:
        return expression
    value = request if found[1] == "request" else response
    for part in found[2][1:].split("/"):
        value = value[int(part)] if isinstance(value, list) else value[part]
    return value


@pytest.mark.parametrize(("operation", "link"), links())
def test_a_link_can_be_followed(
    operation: Operation, link: Mapping[str, Any], ask: Asker, target: Target
) -> None:
    linked = BY_NAME[link["operationId"]]
    if {operation.name, linked.name} & set(OWN_ONLY) and not target.own:
        not_applicable("it changes the server; say --own when it may be changed")
    body = operation.example()
    if isinstance(body, dict):
        body = {**body, **{key: target.model for key in ("from", "source") if key in body}}
    answer = ask(operation.method, operation.path, body)
    if answer.absent and operation.optional:
        not_applicable(f"the server has no {operation.path}")
    demand(answer.status == 200, "200", f"{answer.status}: {answer.body[:300]!r}")
    response = answer.json() if answer.body else None
    try:
        path = linked.path
        for name, expression in link.get("parameters", {}).items():
            path = path.replace(f"{{{name}}}", evaluated(expression, body, response))
        given = evaluated(link.get("requestBody"), body, response)
    except LookupError:
        not_applicable("the server has no model to follow the link with")
    followed = ask(linked.method, path, given)
    expect(followed.status == 200, "200", f"{followed.status}: {followed.body[:300]!r}")
