"""Recorded requests are answered as they were by a real Ollama: in shape, order and error text."""

from __future__ import annotations

import pytest

from ollama_contract.checking import demand, expect, not_applicable
from ollama_contract.exchange import Asker
from ollama_contract.golden import recorded
from ollama_contract.target import Target


@pytest.mark.parametrize("name", recorded())
def test_an_answer_is_like_the_recorded_one(name: str, ask: Asker, target: Target) -> None:
    case = recorded()[name]
    for ability in sorted(case.needs):
        if reason := target.lacks(ability):
            not_applicable(reason)
    if '"emb"' in str(case.request).replace("'", '"') and target.embed_model is None:
        not_applicable("there is no model of embeddings")
    method, path, body, headers = case.requested(target)
    answer = ask(method, path, body, headers)
    for expected, got in case.faults(answer, target):
        expect(False, f"{expected} ({name})", got)
    demand(True, "")
