"""Ollama's clients, in Python and in their habits in JavaScript, keep house with models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ollama
import pytest

from ollama_contract.calling import awaited, whole
from ollama_contract.checking import expect, not_applicable
from ollama_contract.exchange import Asker, Clients
from ollama_contract.requests import ABSENT, NOWHERE
from ollama_contract.target import Target

Tried = Callable[..., Any]
JAVASCRIPT = {
    "Content-Type": "application/json",
    "Accept": "application/json",
    "User-Agent": "ollama-js/0.6.3 (x64 linux Node.js/v22.0.0)",
}


@pytest.fixture(params=[whole, awaited], ids=["sync", "async"])
def tried(request: pytest.FixtureRequest, clients: Clients) -> Tried:
    """`tried("pull", "x")`: what a method of either client gives, or the error of the server."""

    def call(method: str, *given: Any, **named: Any) -> Any:
        try:
            return request.param(clients, method, *given, **named)
        except ollama.ResponseError as error:
            return error

    return call


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("method", ["pull", "push"])
def test_the_client_is_reported_that_a_model_cannot_be_moved(
    method: str, stream: bool, tried: Tried
) -> None:
    got = tried(method, NOWHERE, stream=stream)
    right = isinstance(got, ollama.ResponseError) and got.error
    expect(right, f"ResponseError of {method} for a model on a host that is not there", got)


@pytest.mark.changes_server
def test_the_client_sends_a_blob(tried: Tried, ask: Asker, tmp_path: Path) -> None:
    file = tmp_path / "blob"
    file.write_bytes(b"contract suite\n" * 5000)
    digest = tried("create_blob", file)
    if isinstance(digest, ollama.ResponseError):
        expect(digest.status_code in (403, 501), "a blob is taken, or none is (501)", digest)
        not_applicable("the server takes no blobs")
    found = ask("HEAD", f"/api/blobs/{digest}")
    expect(found.status == 200, "a blob that was sent is there", found.status)


@pytest.mark.changes_server
def test_the_client_makes_copies_and_deletes_models(tried: Tried, target: Target) -> None:
    made, copy = f"{ABSENT}-made", f"{ABSENT}-again"
    got = tried("create", made, from_=target.model, system="Be brief.", stream=False)
    if isinstance(got, ollama.ResponseError):
        expect(got.status_code in (403, 501), "a model is made, or none is (501)", got)
        not_applicable("the server makes no models")
    expect(getattr(got, "status", None) == "success", "status success of create", got)
    shown = tried("show", made)
    system = getattr(shown, "system", None) or getattr(shown, "modelfile", "")
    expect("Be brief." in str(system), "the system text of a model that was made", shown)
    for method, given in (("copy", (made, copy)), ("delete", (copy,)), ("delete", (made,))):
        got = tried(method, *given)
        expect(getattr(got, "status", None) == "success", f"a {method} that succeeds", got)
    gone = tried("delete", made)
    right = isinstance(gone, ollama.ResponseError) and gone.status_code == 404
    expect(right, "404 for a model that was deleted", gone)


@pytest.mark.parametrize(
    ("method", "path"), [("DELETE", "/api/delete"), ("POST", "/api/pull"), ("POST", "/api/push")]
)
def test_the_name_under_name_is_as_good_as_under_model(method: str, path: str, ask: Asker) -> None:
    """Ollama's JavaScript client sends these with `name`."""
    name = ABSENT if path == "/api/delete" else NOWHERE
    answers = [
        ask(method, path, {key: name, "stream": False}, JAVASCRIPT) for key in ("model", "name")
    ]
    got = [(answer.status, answer.body[:200]) for answer in answers]
    expect(got[0] == got[1], "the same answer for name as for model", got)
    expect(answers[1].status >= 400, "an error for a model that is not there", got[1])


def test_a_model_is_shown_to_the_javascript_client(ask: Asker, target: Target) -> None:
    answer = ask("POST", "/api/show", {"model": target.model}, JAVASCRIPT)
    expect(answer.status == 200, "200", f"{answer.status} {answer.body[:300]!r}")
