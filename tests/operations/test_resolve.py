"""How a name finds its model, and each endpoint's words when it does not (management.md §2.4)."""

from __future__ import annotations

import json

import pytest

from ollama_facade.operations.resolve import REFUSALS, installed
from tests.catalog.sources import Source, catalog
from tests.operations.recorded import Stage, answered, cases, recorded

pytestmark = pytest.mark.anyio

ENDPOINTS = "|".join(REFUSALS)
SUFFIXES = {"disabled-chat": "chat", "disabled-generate": "generate", "disabled-show": "show"}


async def _status(stage: Stage, raw: str, endpoint: str) -> tuple[int, str]:
    async def find() -> object:
        model = await installed(stage.catalog, raw, endpoint, stage.settings)
        from ollama_facade.operations.context import Text

        return Text(model.name)

    status, value = await answered(find())
    return status, value["error"] if isinstance(value, dict) else value


@pytest.mark.parametrize("name", recorded("names", f"/({ENDPOINTS})-"))
async def test_a_name_is_taken_or_refused_as_it_was_recorded(name: str) -> None:
    case = cases("names")[name]
    endpoint = name.split("/")[1].split("-", maxsplit=1)[0]
    raw = case["request"]["body"].get("model") or ""

    status, text = await _status(Stage(), raw, endpoint)

    assert status == case["response"]["status"]
    if status != 200:
        assert text == json.loads(case["response"]["body"])["error"]


@pytest.mark.parametrize("name", [f"cloud/{stem}" for stem in SUFFIXES])
async def test_a_cloud_that_is_switched_off_is_said_as_recorded(name: str) -> None:
    case = cases("cloud")[name]
    endpoint = SUFFIXES[name.split("/")[1]]

    found = await _status(Stage(no_cloud=True), case["request"]["body"]["model"], endpoint)

    assert found == (403, json.loads(case["response"]["body"])["error"])


@pytest.mark.parametrize("no_cloud", (False, True))
async def test_an_invalid_name_of_the_cloud_is_invalid_before_anything_else(
    no_cloud: bool,
) -> None:
    stage = Stage(no_cloud=no_cloud)
    assert await _status(stage, ":cloud", "chat") == (400, "invalid model name")


@pytest.mark.parametrize(
    ("raw", "endpoint", "text"),
    (
        ("gen:cloud", "show", "model 'gen:cloud' not found"),
        ("gpt-oss:20b-cloud", "chat", "model 'gpt-oss:20b-cloud' not found"),
        ("emb:cloud", "embed", 'model "emb:cloud" not found, try pulling it first'),
        ("GEN:7b", "show", "model 'gen:7b' not found"),
        ("nope:local", "show", "model 'nope:latest' not found"),
    ),
)
async def test_what_is_not_here_is_not_found(raw: str, endpoint: str, text: str) -> None:
    assert await _status(Stage(), raw, endpoint) == (404, text)


@pytest.mark.parametrize(
    "identity",
    (
        "accounts/fireworks/models/llama-v3p1-8b",
        "@cf/meta/llama-3-8b",
        "gpt-oss:20b-cloud",
        "a:local",
    ),
)
async def test_an_id_of_the_backend_is_found_whatever_it_looks_like(identity: str) -> None:
    known = catalog(None, identity)
    model = await installed(known, identity, "chat", Stage().settings)
    assert model.backend_id == identity


async def test_a_source_is_ollamas_word_before_it_is_a_tag() -> None:
    known = catalog(None, "a:local", "a")
    assert (await installed(known, "a:local", "chat", Stage().settings)).backend_id == "a"


async def test_nobody_asks_the_backend_about_no_name() -> None:
    source = Source("a")
    with pytest.raises(Exception, match="model is required"):
        await installed(catalog(None, source=source), " ", "chat", Stage().settings)
    assert source.fetches == 0
