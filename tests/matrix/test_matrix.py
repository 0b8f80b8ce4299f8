"""The table of backends is what was found out, and what was found out is still so."""

from __future__ import annotations

import re

import pytest

from ollama_contract.matrix import document
from ollama_contract.matrix.__main__ import examined, summary, unexpected
from ollama_contract.matrix.listing import IGNORED, Backend, Found, Results, backends, results
from ollama_contract.matrix.probes import PROBES, judged
from ollama_contract.matrix.starting import WAYS
from ollama_facade.translate.dialect_table import DIALECTS
from tests import raw
from tests.golden.document import FILE
from tests.upstream.family import families

SCRIPTED = [backend for backend in backends() if backend.start == "scripted"]
RECORDED = [backend for backend in backends() if backend.name in results()]


def test_the_table_is_what_is_kept() -> None:
    """`make generate` writes it again."""
    text = FILE.read_text("utf-8")
    assert document.merged(text) == text


def test_every_dialect_but_the_default_has_a_place() -> None:
    listed = {backend.name for backend in backends()}
    assert set(DIALECTS) - {"default"} <= listed
    assert set(families()) == {backend.name for backend in SCRIPTED}
    assert {"llamacpp", *families()} <= {backend.name for backend in RECORDED}


@pytest.mark.parametrize("backend", RECORDED, ids=lambda backend: backend.name)
def test_what_is_kept_is_whole_and_as_expected(backend: Backend) -> None:
    assert backend.start in WAYS
    assert set(backend.expected) | set(backend.because) <= set(PROBES)
    retained = results()[backend.name]
    assert list(retained.found) == list(PROBES)
    assert unexpected(backend, retained) == []


@pytest.mark.parametrize("backend", SCRIPTED, ids=lambda backend: backend.name)
def test_a_scripted_backend_answers_as_is_kept(backend: Backend) -> None:
    """`python -m ollama_contract.matrix NAME` keeps it anew."""
    assert examined(backend) == results()[backend.name]


def test_a_cell_is_real_only_where_it_worked_on_the_server_itself() -> None:
    found = [Found("works"), Found("no"), Found("unknown"), Found("wrong"), None]
    local, scripted = Backend("x", "X", "local"), Backend("x", "X", "scripted")
    others = ["no", "unknown", "unknown", "unknown"]
    assert [local.cell(one) for one in found] == ["real", *others]
    assert [scripted.cell(one) for one in found] == ["scripted", *others]


def test_what_a_probe_cannot_tell_is_unknown_and_what_is_otherwise_is_said() -> None:
    backend = Backend("x", "X", "local", because={"tools": "a small model"})
    assert backend.judged("tools", Found("no", "400")) == Found("unknown", "a small model")
    assert backend.judged("tools", Found("works")) == Found("unknown", "a small model")
    assert backend.judged("chat", Found("works")) == Found("works")
    assert backend.judged("tools", Found("wrong", "a page")) == Found("wrong", "a page")
    assert unexpected(backend, Results("", {"tools": Found("no", "400")})) == [
        "x: tools should be 'works', is 'no' (400)"
    ]


def test_a_run_names_what_it_asked_what_did_not_start_and_what_cannot() -> None:
    requested, missing, absent = summary(["llamacpp", "vllm"], {"litellm": "no wheel fits"})
    assert requested == "asked: llamacpp, vllm"
    assert missing == "not started, its old row stays: litellm: no wheel fits"
    assert {"azure", "gemini"} <= set(re.findall(r"\w+", absent))


def test_what_is_ignored_without_a_word_is_a_no_that_nobody_is_reported() -> None:
    backend = Backend("x", "X", "local", ignored=("json",))
    assert backend.judged("json", Found("unknown", "prose")) == Found("no", IGNORED)
    assert backend.judged("json", Found("works")) == Found("works")


@pytest.mark.parametrize(
    ("answer", "found"),
    (
        (raw.Answer(400, [], b'{"error":"no"}'), Found("no", "status 400: no")),
        (raw.Answer(502, [], b'{"error":"a\\n<html>"}'), Found("wrong", "status 502: a\n<html>")),
        (
            raw.Answer(200, [("facade-dropped", "think, seed")], b"{}"),
            Found("no", "the header `Facade-Dropped: think`"),
        ),
        (raw.Answer(200, [], b'{"a":""}'), Found("unknown", "an answer without it")),
        (raw.Answer(200, [], b'{"a":1}'), Found("works")),
    ),
)
def test_an_answer_is_judged_by_what_a_client_sees(answer: raw.Answer, found: Found) -> None:
    assert judged(answer, lambda: answer.json()["a"], "think") == found
