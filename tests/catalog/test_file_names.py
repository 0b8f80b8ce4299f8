from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_facade import names
from ollama_facade.catalog.manifest import file_names, stem

FIRST = st.sampled_from("abXY09_")
PART = st.builds("".join, st.tuples(FIRST, st.text(alphabet="aB0_-.", max_size=5)))
NAMESPACE = st.builds("".join, st.tuples(FIRST, st.text(alphabet="aB0_-", max_size=5)))
HOST = st.builds("".join, st.tuples(FIRST, st.text(alphabet="aB0_-.:", max_size=5)))
NAMES = st.builds(
    names.Name,
    st.sampled_from([names.HOST, "Registry.Ollama.ai"]) | HOST,
    st.just(names.NAMESPACE) | NAMESPACE,
    PART,
    st.just(names.TAG) | PART,
)


@pytest.mark.parametrize(
    ("name", "expected"),
    (
        ("gen", "gen"),
        ("Gen:latest", "gen"),
        ("gen:1b", "gen--1b"),
        ("acme/widget:v1.2", "acme--widget--v1.2"),
        ("acme/widget", "acme--widget--latest"),
        ("registry.test:5000/library/gen", "registry.test=5000--library--gen--latest"),
        ("a--b", "a-+b"),
        ("a---b", "a-++b"),
        ("a-:b", "a---b"),
    ),
)
def test_a_file_name_can_be_read(name: str, expected: str) -> None:
    parsed = names.parse(name)
    assert parsed is not None
    assert stem(parsed) == expected


@given(NAMES, NAMES)
def test_two_names_never_share_a_file(name: names.Name, other: names.Name) -> None:
    assert (stem(name) == stem(other)) == (name.key() == other.key())


@given(NAMES)
def test_no_name_leads_out_of_the_folder(name: names.Name) -> None:
    assert "/" not in stem(name)
    assert not stem(name).startswith(".")


def test_the_longest_name_fits_and_differs_from_its_neighbour() -> None:
    longest = [names.Name("h" * 350, "n" * 80, "m" * 80, "t" * 79 + last) for last in "ab"]
    assert all(len(stem(name)) < 200 for name in longest)
    assert stem(longest[0]) != stem(longest[1])


def test_an_existing_file_of_another_model_is_not_used() -> None:
    name = names.parse("gen")
    assert name is not None
    assert list(islice(file_names(name), 3)) == ["gen.yaml", "gen~2.yaml", "gen~3.yaml"]
