import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_facade.translate.thinking import ThinkingSplitter


def split(pieces: list[str]) -> tuple[str, str]:
    splitter = ThinkingSplitter()
    results = [splitter.feed(piece) for piece in pieces] + [splitter.finish()]
    return "".join(r[0] for r in results), "".join(r[1] for r in results)


@pytest.mark.parametrize(
    ("text", "thinking", "content"),
    (
        ("<think>Hm.</think>Hello.", "Hm.", "Hello."),
        ("<think>\nHm.\n</think>\n\nHello. ", "Hm.", "Hello. "),
        ("  \n<think>Hm.</think>Hello.", "Hm.", "Hello."),
        ("Hello <think>no</think>", "", "Hello <think>no</think>"),
        ("<think>never closed", "never closed", ""),
        ("<think>Hm. </thin", "Hm. </thin", ""),
        ("<think></think>Hello", "", "Hello"),
        ("<think>a</think>b</think>c", "a", "b</think>c"),
        ("<think>a<think>b</think>c", "a<think>b", "c"),
        ("<thi", "", "<thi"),
        ("  leading", "", "  leading"),
        ("", "", ""),
    ),
)
def test_tags_at_the_beginning_are_thinking_and_nothing_else_is(
    text: str, thinking: str, content: str
) -> None:
    assert split([text]) == (thinking, content)
    assert split(list(text)) == (thinking, content)


def test_text_that_may_be_a_tag_is_held_back_until_it_is_decided() -> None:
    splitter = ThinkingSplitter()
    assert splitter.feed("<thi") == ("", "")
    assert splitter.feed("nk>I ") == ("I", "")
    assert splitter.feed("see</") == (" see", "")
    assert splitter.feed("x") == ("</x", "")


@given(
    st.lists(st.sampled_from(["<think>", "</think>", "<", "think", ">", " ", "\n", "a", "/"])),
    st.data(),
)
def test_any_split_of_the_text_adds_up_to_the_same(parts: list[str], data: st.DataObject) -> None:
    text = "".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    edges = [0, *cuts, len(text)]
    pieces = [text[a:b] for a, b in itertools.pairwise(edges)]
    assert split(pieces) == split([text])
