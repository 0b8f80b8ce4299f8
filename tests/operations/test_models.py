"""Tags, ps and show against the recordings of areas models, show and names."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.operations.recorded import Stage, answered, call, cases, masked, recorded

pytestmark = pytest.mark.anyio

# Their template is the Jinja of the weights, which a backend may not tell.
JINJA = ("show/model-vision", "show/model-native-think")
# A model that makes images is made otherwise in the recording: without facts of its weights.
SHOWN = [name for name in recorded("show") if name != "show/model-imggen"]


def _said(case: dict[str, Any]) -> Any:
    return json.loads(case["response"]["body"])


@pytest.mark.parametrize("name", SHOWN + recorded("names", "/show-"))
async def test_show_answers_as_it_was_recorded(name: str) -> None:
    case = cases(name.partition("/")[0])[name]
    agent = case["request"]["headers"].get("User-Agent", "")

    status, value = await answered(Stage().models.show(case["request"]["body"], call(agent)))

    stated = masked(_said(case))
    got = masked(value)
    if name in JINJA:
        stated["template"] = got["template"]
    assert status == case["response"]["status"]
    assert got == stated
    assert [key for key in got if key in stated] == list(stated)


@pytest.mark.parametrize("name", ("models/tags", "models/tags-query"))
async def test_tags_lists_what_was_recorded_in_the_same_order_of_keys(name: str) -> None:
    status, value = await answered(Stage().models.list(call()))

    stated = masked(_said(cases("models")[name]))["models"]
    got = masked(value)["models"]
    for entry in (*stated, *got):
        if entry["name"].startswith("native-"):
            entry.pop("capabilities")  # Ollama's list reads only the head of the weights
    assert status == 200
    by_name = {entry["name"]: entry for entry in got}
    assert by_name == {entry["name"]: entry for entry in stated}
    assert list(got[0]) == list(stated[0])
    assert list(got[0]["details"]) == list(stated[0]["details"])


async def test_a_head_request_for_the_list_is_answered_as_the_list() -> None:
    stage = Stage()
    assert await answered(stage.models.head_list(call())) == await answered(
        stage.models.list(call())
    )


async def test_nothing_loaded_is_an_empty_list() -> None:
    assert await answered(Stage().models.ps(call())) == (
        200,
        _said(cases("models")["models/ps-nothing-loaded"]),
    )


async def test_ps_shows_three_loaded_models_as_recorded() -> None:
    stage = Stage()
    for name, keep_alive, context in (
        ("gen", -1, 4096),
        ("smollm2", 1_800_000_000_000, 1024),
        ("emb", None, None),
    ):
        model = await stage.catalog.find(name)
        assert model is not None
        stage.loaded.load(model, keep_alive, context)

    _, value = await answered(stage.models.ps(call()))

    stated = _said(cases("models")["models/ps-three-loaded"])
    assert masked(value) == masked(stated)
    assert [list(entry) for entry in value["models"]] == [list(entry) for entry in stated["models"]]
    assert value["models"][0]["expires_at"].startswith("2319-")
