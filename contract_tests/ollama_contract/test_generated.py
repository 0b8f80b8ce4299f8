"""Generated requests, good and bad, to every operation: each is answered as the contract says."""

from __future__ import annotations

import functools
import os
from typing import Any

import jsonschema_rs
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from ollama_contract.checking import expect, not_applicable
from ollama_contract.contract import (
    GENERATING,
    LIMITS,
    NAMING,
    OWN_ONLY,
    Operation,
    document,
    operations,
)
from ollama_contract.exchange import Answer, Asker
from ollama_contract.target import Target
from ollama_facade import contract

# How many requests of each kind are generated for an operation.
EXAMPLES = int(os.environ.get("CONTRACT_EXAMPLES", "15"))
NAMED = (*GENERATING, "show", *LIMITS)
"""Operations whose body names the model that answers."""
BRIEF = 40
"""How much of a generated text is sent: to read it takes the model time, and shows nothing more."""
BODIES = {one.id: one.request for one in contract.operations() if one.request}
MODES = {"good": GenerationMode.POSITIVE, "bad": GenerationMode.NEGATIVE}
PLANS = [
    pytest.param(one, mode, id=f"{one.name}-{name}")
    for one in operations()
    for name, mode in MODES.items()
    # Where no JSON is taken, none can be wrong.
    if mode is GenerationMode.POSITIVE or one.name in BODIES
]


@functools.cache
def fits(name: str) -> jsonschema_rs.Draft4Validator:
    """Tells whether a body fits what the operations take; every recorded refusal agrees."""
    return jsonschema_rs.Draft4Validator(contract.schema(name))


@functools.cache
def generated() -> schemathesis.BaseSchema:
    """The contract as schemathesis reads it."""
    config = schemathesis.Config.from_dict({"generation": {"mode": "all"}})
    return schemathesis.openapi.from_dict(document(), config=config)


@functools.cache
def properties() -> frozenset[str]:
    """The names of all fields."""
    schemas = document()["components"]["schemas"].values()
    return frozenset(name for schema in schemas for name in schema.get("properties", ()))


def spelt_otherwise(value: Any) -> bool:
    """A field is named in another case: Go reads it, a schema does not know it."""
    if isinstance(value, list):
        return any(map(spelt_otherwise, value))
    if not isinstance(value, dict):
        return False
    odd = any(key != key.casefold() and key.casefold() in properties() for key in value)
    return odd or any(map(spelt_otherwise, value.values()))


def cases(operation: Operation, mode: GenerationMode) -> st.SearchStrategy[Any]:
    """Requests to the operation: some that fit, or some that do not."""
    made: st.SearchStrategy[Any] = generated()[operation.path][operation.method].as_strategy(
        generation_mode=mode
    )
    return made


def brief(value: Any) -> Any:
    """A value with its texts cut."""
    if isinstance(value, str):
        return value[:BRIEF]
    if isinstance(value, list):
        return [brief(inner) for inner in value[:3]]
    return value


def bounded(operation: Operation, body: Any, target: Target, *, real: bool) -> Any:
    """The body with a real model in it or the name that was made up, asking for a short answer."""
    if isinstance(body, dict) and operation.name in OWN_ONLY:
        return target.spared(body, NAMING)
    if not isinstance(body, dict) or operation.name not in NAMED:
        return body
    body = dict(body)
    embeds = operation.name in ("embed", "embeddings", "create_embeddings")
    if isinstance(body.get("model"), str) and real:
        body["model"] = (embeds and target.embed_model) or target.model
    for key in ("input", "prompt", "suffix", "system"):
        if key in body:
            body[key] = brief(body[key])
    if operation.name in LIMITS and not isinstance(body.get(LIMITS[operation.name]), (str, bool)):
        body[LIMITS[operation.name]] = 2
    if operation.name in GENERATING and isinstance(body.get("options", {}), dict):
        body["options"] = {**(body.get("options") or {}), "num_predict": 2}
    return body


def send(ask: Asker, case: Any) -> Answer:
    """Sends what schemathesis made, byte for byte as requests would."""
    prepared = requests.Request(**case.as_transport_kwargs(base_url=NOWHERE)).prepare()
    headers = {
        name: str(value)
        for name, value in prepared.headers.items()
        if name.lower() in ("content-type", "accept")
    }
    return ask(str(prepared.method), str(prepared.path_url), prepared.body, headers, timeout=60)


NOWHERE = "http://contract.invalid"


def check(operation: Operation, case: Any, answer: Answer, known: set[str]) -> None:
    """What holds for this request; what holds for every answer is seen to elsewhere."""
    name = BODIES.get(operation.name)
    if name is None or not isinstance(case.body, (dict, list, str, int, float, bool)):
        return
    if spelt_otherwise(case.body):
        return
    fitting = fits(name).is_valid(case.body)
    if not fitting:
        expect(answer.status == 400, "a body that does not fit is refused with 400", answer.status)
        return
    undecodable = answer.status == 400 and "cannot unmarshal" in answer.body.decode(
        "utf-8", "replace"
    )
    expect(not undecodable, "a body that fits can be read", answer.body.decode("utf-8", "replace"))
    model = case.body.get("model") if isinstance(case.body, dict) else None
    if operation.name in NAMED and isinstance(model, str) and model not in known:
        expect(
            400 <= answer.status < 500,
            "a model that is not there is refused",
            f"status {answer.status} for the model {model!r}",
        )


def model_names(ask: Asker) -> set[str]:
    """The names of all models, with their tag and without."""
    names = {str(entry["name"]) for entry in ask("GET", "/api/tags").json()["models"]}
    return names | {name.removesuffix(":latest") for name in names}


@pytest.mark.parametrize(("operation", "mode"), PLANS)
def test_generated_requests_are_answered_as_documented(
    operation: Operation, mode: GenerationMode, target: Target, ask: Asker
) -> None:
    if operation.name in OWN_ONLY and not target.own:
        not_applicable("it changes the server; say --own when it may be changed")
    if operation.optional and ask(operation.method, operation.path).absent:
        not_applicable(f"the server has no {operation.path}")
    known = model_names(ask)
    count = 0

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        verbosity=Verbosity.quiet,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases(operation, mode))
    def every(case: Any) -> None:
        nonlocal count
        count += 1
        case.body = bounded(operation, case.body, target, real=count % 3 > 0)
        check(operation, case, send(ask, case), known)

    every()
    after = ask("GET", "/api/version")
    expect(after.status == 200, "the next request is answered", after.status)
