from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_facade.catalog import manifest
from ollama_facade.catalog.manifest import DocumentError

GOOD = "model: x\nfrom: gen\n"


@pytest.mark.parametrize(
    ("text", "fragment"),
    (
        ("", "mapping"),
        ("- a", "mapping"),
        ("model: [", "line "),
        ("model: {a: *b}", "line 1"),
        ("from: gen", "model: it has to be there"),
        ("model: 'a b'\nfrom: gen", "'a b' is not a valid name"),
        ("model: ../../etc/passwd\nfrom: gen", "is not a valid name"),
        ("model: x", "from: it has to be there"),
        (GOOD + "system: 5", "system: "),
        (GOOD + "parameters: []", "parameters: "),
        (GOOD + "parameters: {1: 2}", ""),
        (GOOD + "messages: {}", "messages: "),
        (GOOD + "license: 5", "cannot unmarshal number"),
        (GOOD + "info: {context_length: 1.5}", 'info field "context_length"'),
        (GOOD + "info: {context_length: .nan}", ""),
        (GOOD + "template: '{{ .Prompt'", "unclosed action"),
        (GOOD + "quantize: Q4_0", "quantizing is not supported"),
        (GOOD + "adapters: {a: b}", "adapters is not supported"),
        (GOOD + "remote_host: https://ollama.com", "remote_host"),
        ("!!python/object/apply:os.system [ls]", "line 1"),
        ("[" * 5000, ""),
    ),
)
def test_a_bad_file_is_described_in_one_line(text: str, fragment: str) -> None:
    with pytest.raises(DocumentError) as raised:
        manifest.read(text.encode())
    assert fragment in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_file_that_is_no_text_is_bad() -> None:
    with pytest.raises(DocumentError):
        manifest.read(b"\xff\xfe\x00model")


def test_a_date_is_a_text() -> None:
    assert manifest.read((GOOD + "system: 2024-01-01").encode())["system"] == "2024-01-01"


def test_a_long_text_is_written_as_a_block() -> None:
    body = {"model": "x", "from": "gen", "template": "{{ .Prompt }}\nmore\n"}
    assert manifest.write(body).decode() == (
        "model: x\nfrom: gen\ntemplate: |\n  {{ .Prompt }}\n  more\n"
    )


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=("Cs",))),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("ab:- \n"), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.text(st.characters(exclude_categories=("Cs",))), JSON)
def test_what_is_written_is_read_as_it_was(text: str, value: Any) -> None:
    body = {"model": "x", "from": "gen", "system": text, "parameters": {"any": value}}
    assert manifest.parse(manifest.write(body)) == body


@pytest.mark.parametrize(
    "text",
    ("no", "1e5", "~", "", " a\n b", "\n\n", "a\r\nb", "\x85\u2028x\n", "\x00\n\x7f", "# x\n\ty"),
)
def test_unusual_texts_are_written_without_loss(text: str) -> None:
    body = {"model": "x", "from": "gen", "system": text}
    assert manifest.read(manifest.write(body)) == body
