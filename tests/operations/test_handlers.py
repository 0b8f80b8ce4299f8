"""Which methods are operations."""

from __future__ import annotations

from ollama_facade import contract
from ollama_facade.operations import _GROUPS, collect
from ollama_facade.operations.context import Json, RequestContext


class Greeting:
    async def version(self, _context: RequestContext) -> Json:
        return Json({"version": "1"})

    async def _hidden(self) -> None:
        raise AssertionError

    def not_an_operation(self) -> None:
        raise AssertionError


def test_the_public_coroutines_of_a_group_are_operations() -> None:
    assert list(collect((Greeting(),))) == ["version"]


def test_the_groups_hold_the_operations_of_the_document_and_no_other() -> None:
    names = [name for group in _GROUPS for name in vars(group) if not name.startswith("_")]
    assert sorted(names) == sorted(operation.id for operation in contract.operations())
