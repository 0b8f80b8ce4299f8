import pytest

from ollama_facade import names
from ollama_facade.catalog import entry
from ollama_facade.catalog.entry import Entry
from ollama_facade.catalog.index import Index
from ollama_facade.catalog.upstream import served
from ollama_facade.clock import SECOND


def index(ids: list[str], *bodies: dict[str, object]) -> Index:
    entries = {
        entry.key(str(body["model"])): Entry("f", entry.display(str(body["model"])), body, SECOND)
        for body in bodies
    }
    return Index(
        [served({"id": identity}, {}) for identity in ids], entries, entry.presets(entries)[0]
    )


IDS = [
    "gen",
    "meta-llama/Llama-3.1-8B",
    "gpt-4o",
    "acme/widget:v1.2",
    "accounts/fireworks/models/x",
    "ft:gpt-3.5:org::id",
    "../../etc/passwd",
    "ünïcode model",
]


@pytest.mark.parametrize(
    ("text", "found"),
    (
        ("gen", "gen"),
        ("gen:latest", "gen"),
        ("GEN", "gen"),
        ("library/gen", "gen"),
        ("registry.ollama.ai/library/gen:latest", "gen"),
        ("meta-llama/Llama-3.1-8B", "meta-llama/Llama-3.1-8B"),
        ("Meta-Llama/llama-3.1-8b:latest", "meta-llama/Llama-3.1-8B"),
        ("acme/widget:v1.2", "acme/widget:v1.2"),
        ("acme/widget", None),
        ("accounts/fireworks/models/x", "accounts/fireworks/models/x"),
        ("accounts/fireworks/models/x:latest", "accounts/fireworks/models/x"),
        ("ft:gpt-3.5:org::id", "ft:gpt-3.5:org::id"),
        ("../../etc/passwd", "../../etc/passwd"),
        ("ünïcode model", "ünïcode model"),
        ("gen:1b", None),
        ("", None),
    ),
)
def test_a_model_is_found_by_every_spelling(text: str, found: str | None) -> None:
    model = index(IDS).find(text)
    assert (model and model.backend_id) == found


def test_ids_that_differ_by_case_are_both_found_as_they_are() -> None:
    both = index(["Foo", "foo"])
    assert [both.find(text).backend_id for text in ("Foo", "foo")] == ["Foo", "foo"]  # type: ignore[union-attr]


def test_the_same_case_can_be_asked_for() -> None:
    assert index(["gen"]).find("GEN", exact_case=True) is None
    assert index(["gen"]).find("gen:latest", exact_case=True) is not None


def test_an_entry_hides_the_backends_model_and_inherits_what_it_does_not_set() -> None:
    covered = index(["gen"], {"model": "Gen", "from": "gen", "info": {"context_length": 9}})
    assert [model.name for model in covered.models] == ["Gen:latest"]
    model = covered.find("gen")
    assert model is not None
    assert (model.backend_id, model.context_length, model.from_catalog) == ("gen", 9, True)


def test_an_alias_may_name_what_the_backend_does_not_list() -> None:
    model = index([], {"model": "x", "from": "my-deployment"}).find("x")
    assert model is not None
    assert model.backend_id == "my-deployment"


def test_capabilities_that_a_file_names_are_known() -> None:
    made = index(["gen"], {"model": "x", "from": "gen", "info": {"capabilities": ["embedding"]}})
    model = made.find("x")
    assert model is not None
    assert (model.capabilities, model.capabilities_known) == (("embedding",), True)


def test_models_are_sorted_newest_first_by_whole_seconds() -> None:
    entries = {
        entry.key(name): Entry("f", f"{name}:latest", {"model": name, "from": "gen"}, time)
        for name, time in {"a": 5 * SECOND, "b": 5 * SECOND + 9, "c": 6 * SECOND}.items()
    }
    made = Index([], entries, entry.presets(entries)[0])
    assert [model.name for model in made.models] == ["c:latest", "a:latest", "b:latest"]


@pytest.mark.parametrize(
    ("typed", "expected"),
    (("GEN:Q4", "gen:Q4"), ("ACME/gen", "acme/gen:latest"), ("new/WIDGET:V1.2", "new/widget:v1.2")),
)
def test_parts_of_a_name_take_the_case_that_is_there(typed: str, expected: str) -> None:
    name = names.parse(typed)
    assert name is not None
    assert index(IDS).spelled(name).display() == expected
