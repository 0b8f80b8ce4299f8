import hashlib
from typing import Any

import pytest

from ollama_facade.catalog import entry
from ollama_facade.catalog.entry import Entry, Key


def entries(*bodies: dict[str, Any]) -> dict[Key, Entry]:
    return {
        entry.key(body["model"]): Entry(f"{body['model']}.yaml", body["model"], body, 0)
        for body in bodies
    }


BASE = {
    "from": "gen",
    "system": "old",
    "template": "{{ .Prompt }}",
    "license": ["MIT"],
    "parameters": {"temperature": 0.5, "stop": ["a"]},
    "messages": [{"role": "user", "content": "hi"}],
    "info": {"context_length": 8, "capabilities": ["completion", "tools"]},
}


@pytest.mark.parametrize(
    ("body", "field", "expected"),
    (
        ({"system": "new"}, "system", "new"),
        ({"system": ""}, "system", "old"),
        ({"template": None}, "template", "{{ .Prompt }}"),
        ({"license": "BSD"}, "license", ["MIT", "BSD"]),
        ({"license": ["a", "b"]}, "license", ["MIT", "a", "b"]),
        ({"license": []}, "license", ["MIT"]),
        ({"parameters": {"temperature": 0}}, "parameters", {"temperature": 0, "stop": ["a"]}),
        ({"parameters": {"stop": ["b"]}}, "parameters", {"temperature": 0.5, "stop": ["b"]}),
        ({"messages": []}, "messages", BASE["messages"]),
        ({"messages": [{"role": "user"}]}, "messages", [{"role": "user"}]),
        ({"from": "other"}, "from", "gen"),
        ({"info": {"context_length": 9}}, "info", {**BASE["info"], "context_length": 9}),
        ({"info": {"context_length": None}}, "info", BASE["info"]),
        ({"renderer": "r"}, "renderer", "r"),
    ),
)
def test_a_request_is_merged_with_its_base(body: dict[str, Any], field: str, expected: Any) -> None:
    assert entry.overlay(BASE, body)[field] == expected


def test_a_chain_inherits_from_every_link() -> None:
    found, problems = entry.presets(
        entries(
            {"model": "c", "from": "b", "license": "3"},
            {"model": "a", "from": "backend/model", "system": "one", "license": "1"},
            {"model": "b", "from": "A:latest", "system": "two", "license": "2"},
        )
    )
    assert problems == {}
    assert found[entry.key("c")] == {
        "from": "backend/model",
        "system": "two",
        "license": ["1", "2", "3"],
    }


def test_from_its_own_name_is_the_backends_model() -> None:
    found, problems = entry.presets(entries({"model": "gen", "from": "gen", "system": "s"}))
    assert (found[entry.key("gen")]["from"], problems) == ("gen", {})


def test_a_circle_is_a_problem_only_of_the_files_that_lead_into_it() -> None:
    found, problems = entry.presets(
        entries(
            {"model": "a", "from": "b"},
            {"model": "b", "from": "c"},
            {"model": "c", "from": "b"},
            {"model": "good", "from": "gen"},
        )
    )
    assert list(found) == [entry.key("good")]
    assert set(problems) == {"a.yaml", "b.yaml", "c.yaml"}
    assert problems["a.yaml"] == "it is made from itself: b from c from b"


def test_a_chain_of_thousands_is_no_trouble() -> None:
    links = [{"model": f"m{n}", "from": f"m{n + 1}"} for n in range(5000)]
    found, problems = entry.presets(entries(*links))
    assert (len(found), problems) == (5000, {})
    assert found[entry.key("m0")]["from"] == "m5000"


def test_a_complete_entry_inherits_nothing_and_only_it_has_its_parent() -> None:
    complete = entry.complete({"system": "s"}, "made:latest", "gen", "sys:latest")
    found, _ = entry.presets(
        entries(
            {"model": "gen", "from": "gen", "license": "L"},
            complete,
            {"model": "over", "from": "made"},
        )
    )
    made, over = found[entry.key("made")], found[entry.key("over")]
    assert made == {"from": "gen", "system": "s", "info": {"parent_model": "sys:latest"}}
    assert over == {"from": "gen", "system": "s"}


def test_a_digest_is_of_the_content_only() -> None:
    digest = entry.digest(BASE, "gen")
    reordered = dict(reversed(BASE.items()))
    assert digest == entry.digest(reordered, "gen")
    assert digest != entry.digest({**BASE, "system": "new"}, "gen")
    assert digest != entry.digest(BASE, "other")
    assert len(digest) == 64


def test_a_digest_is_the_same_in_every_version_of_this_service() -> None:
    assert entry.digest({}, "gen") == hashlib.sha256(b'{"from":"gen"}').hexdigest()


@pytest.mark.parametrize(
    ("text", "other"),
    (
        ("x", "X:latest"),
        ("library/x", "x"),
        ("a/b/c/d", "A/b/c/d:latest"),
        ("ft:gpt-3.5:org::id", "FT:gpt-3.5:org::id"),
    ),
)
def test_spellings_of_one_name_have_one_key(text: str, other: str) -> None:
    assert entry.key(text) == entry.key(other)
