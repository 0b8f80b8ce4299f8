"""Names of models, by the tables of management.md §2."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_facade import names
from ollama_facade.errors import OllamaError
from ollama_facade.names import Name, Reference

DISPLAYED = [
    ("llama3.2", "registry.ollama.ai/library/llama3.2:latest", "llama3.2:latest"),
    ("Llama3.2:1B", "registry.ollama.ai/library/Llama3.2:1B", "Llama3.2:1B"),
    ("mattw/pygmalion", "registry.ollama.ai/mattw/pygmalion:latest", "mattw/pygmalion:latest"),
    ("library/foo", "registry.ollama.ai/library/foo:latest", "foo:latest"),
    ("registry.ollama.ai/library/foo:t", "registry.ollama.ai/library/foo:t", "foo:t"),
    ("Registry.Ollama.AI/Library/foo:t", "Registry.Ollama.AI/Library/foo:t", "foo:t"),
    ("hf.co/user/repo:Q4_K_M", "hf.co/user/repo:Q4_K_M", "hf.co/user/repo:Q4_K_M"),
    ("host/library/m:t", "host/library/m:t", "host/library/m:t"),
    ("localhost:5000/ns/m", "localhost:5000/ns/m:latest", "localhost:5000/ns/m:latest"),
    ("https://host/ns/m:t", "host/ns/m:t", "host/ns/m:t"),
    ("meta-llama/Llama-3.1-8B", "registry.ollama.ai/meta-llama/Llama-3.1-8B:latest", None),
    ("m" * 80, "registry.ollama.ai/library/" + "m" * 80 + ":latest", "m" * 80 + ":latest"),
]


@pytest.mark.parametrize(("text", "qualified", "displayed"), DISPLAYED)
def test_a_name_is_filled_in_and_shown_with_its_tag(
    text: str, qualified: str, displayed: str | None
) -> None:
    name = names.parse(text)
    assert name is not None
    assert name.qualified() == qualified
    if displayed:
        assert name.display() == displayed


@pytest.mark.parametrize(
    "text",
    (
        "", ":tag", "model:", "/model", "model/", "ns//m", "//m", "a/b/c/d", "my model", "-m", ".m",
        "ns.x/m", "m:ta/g", "m@sha256:" + "0" * 64, "gén", "m" * 81, "m:" + "t" * 81, "../gen",
        'a"b', "m:t:u", "n" * 81 + "/m", "h" * 351 + "/n/m", "m\n", "http://host/m", ":", "/", "://",
    ),
)  # fmt: skip
def test_what_is_not_a_name_is_none(text: str) -> None:
    assert names.parse(text) is None


def test_two_spellings_of_one_name_have_one_key() -> None:
    plain = names.parse("acme/widget:v1.2")
    loud = names.parse("https://REGISTRY.ollama.ai/ACME/Widget:V1.2")
    assert plain is not None
    assert loud is not None
    assert plain.key() == loud.key()


REFERENCES = [
    ("gen", Reference("", "gen", "gen")),
    ("  gen ", Reference("", "gen", "  gen ")),
    ("gen:7b", Reference("", "gen:7b", "gen:7b")),
    ("gen:LOCAL", Reference("local", "gen", "gen:LOCAL")),
    ("gen:7b:local", Reference("local", "gen:7b", "gen:7b:local")),
    ("x:cloud", Reference("cloud", "x", "x:cloud")),
    ("x: Cloud", Reference("cloud", "x", "x: Cloud")),
    ("gpt-oss:20b-cloud", Reference("cloud", "gpt-oss:20b", "gpt-oss:20b-cloud")),
    ("my-cloud-model", Reference("", "my-cloud-model", "my-cloud-model")),
    ("my-cloud", Reference("", "my-cloud", "my-cloud")),
    ("host:1/x-cloud", Reference("", "host:1/x-cloud", "host:1/x-cloud")),
    ("", Reference("", "", "")),
    (" \t\u3000", Reference("", "", " \t\u3000")),
]


@pytest.mark.parametrize(("text", "expected"), REFERENCES)
def test_a_source_is_cut_off_the_name(text: str, expected: Reference) -> None:
    assert names.reference(text) == expected


@pytest.mark.parametrize("text", ("a:cloud:local", " a:local:cloud ", "a:20b-cloud:local"))
def test_two_sources_are_refused(text: str) -> None:
    with pytest.raises(OllamaError) as caught:
        names.reference(text)
    assert caught.value.status == 400
    assert caught.value.message == f'use either :local or :cloud, not both: "{text.strip()}"'


@given(st.text())
def test_any_text_is_a_name_or_none(text: str) -> None:
    name = names.parse(text)
    assert name is None or (name.display().isascii() and ":" in name.display())


@given(
    st.from_regex(
        r"([a-z0-9_]{1,9}/){0,2}[a-z0-9_][a-z0-9_.-]{0,9}(:[a-z0-9_]{1,9})?", fullmatch=True
    )
)
def test_what_is_shown_of_a_name_means_the_same_name(text: str) -> None:
    name = names.parse(text)
    assert isinstance(name, Name)
    assert names.parse(name.display()) == Name(name.host, name.namespace, name.model, name.tag)
    assert names.parse(name.qualified()) == name
