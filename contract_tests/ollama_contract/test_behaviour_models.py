"""Models: lists that agree, loading and unloading that can be seen, copies that can be made."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

import pytest

from ollama_contract.checking import demand, expect
from ollama_contract.exchange import Asker
from ollama_contract.requests import ABSENT, GENERATING, asking
from ollama_contract.target import Target

WAIT_SECONDS = 10.0
"""How many seconds a model may take to go."""


def entry(models: list[dict[str, Any]], name: str) -> dict[str, Any] | None:
    """The model of a list that a name means."""
    full = name if ":" in name.rpartition("/")[2] else f"{name}:latest"
    wanted = full.lower()
    return next((one for one in models if str(one.get("name")).lower() == wanted), None)


def listed(ask: Asker, path: str) -> list[dict[str, Any]]:
    answer = ask("GET", path)
    demand(answer.status == 200, "status 200", answer.status)
    models = answer.json().get("models")
    demand(isinstance(models, list) and None not in models, "a list of models", answer.body[:300])
    return list(models)


def test_the_model_is_in_the_list_and_shown_alike(ask: Asker, target: Target) -> None:
    found = entry(listed(ask, "/api/tags"), target.model)
    demand(
        found,
        f"{target.model} among the models",
        [one.get("name") for one in listed(ask, "/api/tags")],
    )
    assert found is not None
    answer = ask("POST", "/api/show", {"model": target.model})
    demand(answer.status == 200, "status 200", answer.body[:300])
    shown = answer.json()
    for key in ("modelfile", "template", "details", "model_info", "capabilities", "modified_at"):
        expect(key in shown, f"{key} in what is shown", list(shown))
    if "capabilities" in found:
        both = [sorted(one["capabilities"]) for one in (found, shown) if "capabilities" in one]
        right = len(both) < 2 or set(both[0]) <= set(both[1]) or set(both[1]) <= set(both[0])
        expect(right, "the same capabilities in both", both)
    retained = {key: value for key, value in shown["details"].items() if key in found["details"]}
    listed_details = {key: found["details"].get(key) for key in retained}
    expect(retained == listed_details, "the same details in both", (retained, listed_details))
    architecture = (shown["model_info"] or {}).get("general.architecture")
    expect(architecture, "general.architecture in model_info", shown["model_info"])
    length = shown["model_info"].get(f"{architecture}.context_length")
    expect(isinstance(length, int), f"{architecture}.context_length in model_info", length)
    moment = dt.datetime.fromisoformat(found["modified_at"])
    past = moment <= dt.datetime.now(dt.UTC) + dt.timedelta(minutes=5)
    expect(past, "a modified_at that has been", found["modified_at"])


def test_names_are_taken_in_every_form(ask: Asker, target: Target) -> None:
    full = target.model if ":" in target.model else f"{target.model}:latest"
    short = full.removesuffix(":latest")
    for name in dict.fromkeys((full, short, full.upper())):
        answer = ask("POST", "/api/show", {"model": name})
        expect(answer.status == 200, f"the name {name} is taken", answer.body[:300])
    answer = ask("POST", "/api/show", {"name": target.model})
    expect(answer.status == 200, "the older field name is taken", answer.body[:300])


@pytest.mark.needs("completion")
@pytest.mark.parametrize("path", GENERATING)
def test_the_name_comes_back_as_it_was_asked(path: str, ask: Asker, target: Target) -> None:
    full = target.model if ":" in target.model else f"{target.model}:latest"
    for name in dict.fromkeys((full, full.removesuffix(":latest"))):
        answer = ask("POST", path, {**asking(target, path, "Hi", 1), "model": name})
        demand(answer.status == 200, f"the name {name} is taken", answer.body[:300])
        expect(answer.json().get("model") == name, f"the model {name} as asked", answer.body[:300])


@pytest.mark.needs("completion")
@pytest.mark.parametrize("path", GENERATING)
def test_a_model_is_loaded_and_unloaded_without_a_word(
    path: str, ask: Asker, target: Target
) -> None:
    text = "message" if path == "/api/chat" else "response"
    for reason, more in (
        ("load", {}),
        ("load", {"keep_alive": "10m"}),
        ("unload", {"keep_alive": 0}),
    ):
        answer = ask("POST", path, {"model": target.model, **more})
        got = f"{answer.status} {answer.body[:400]!r}"
        demand(answer.status == 200, f"keep_alive and no prompt: done_reason {reason}", got)
        stated = answer.json()
        expect(stated.get("done_reason") == reason, f"done_reason {reason} without a prompt", got)
        expect(stated.get("done") is True, "done: true", got)
        words = stated.get(text)
        words = words.get("content") if isinstance(words, dict) else words
        expect(words == "", f"nothing is generated without a prompt (done_reason {reason})", got)
        models = listed(ask, "/api/ps")
        if reason == "load":
            found = entry(models, target.model)
            expect(found, "a loaded model in /api/ps", models)
            if found and more:
                left = dt.datetime.fromisoformat(found["expires_at"]) - dt.datetime.now(dt.UTC)
                expect(left.total_seconds() > 300, "an expires_at that follows keep_alive", found)
    end = time.monotonic() + WAIT_SECONDS
    while entry(listed(ask, "/api/ps"), target.model) and time.monotonic() < end:
        time.sleep(0.2)
    models = listed(ask, "/api/ps")
    expect(not entry(models, target.model), "an unloaded model is not in /api/ps", models)


@pytest.mark.needs("completion")
@pytest.mark.parametrize("path", GENERATING)
@pytest.mark.parametrize("keep_alive", ["5m", 60, -1, "1h30m", 42.5, None])
def test_every_keep_alive_is_taken(
    path: str, keep_alive: object, ask: Asker, target: Target
) -> None:
    answer = ask("POST", path, {"model": target.model, "keep_alive": keep_alive})
    got = f"{answer.status} {answer.body[:300]!r}"
    expect(answer.status == 200, f"keep_alive {keep_alive!r} is taken", got)


@pytest.mark.changes_server
def test_a_copy_can_be_made_used_and_deleted(ask: Asker, target: Target) -> None:
    name = f"{ABSENT}-copy"
    answer = ask("POST", "/api/copy", {"source": target.model, "destination": name})
    if answer.status >= 500 or answer.status in (401, 403, 405):
        expect(answer.error(), "an error as text", answer.body[:300])
        expect(answer.status in (403, 501), "a copy, or that there are none (501)", answer.status)
        return
    expect((answer.status, answer.body) == (200, b""), "200 and no body", answer.body[:300])
    try:
        found = entry(listed(ask, "/api/tags"), name)
        expect(found, "a copy in the list", [one["name"] for one in listed(ask, "/api/tags")])
        original = entry(listed(ask, "/api/tags"), target.model)
        if found and original:
            same = found["digest"] == original["digest"]
            expect(same, "a copy with the digest of the original", (found, original))
        shown = ask("POST", "/api/show", {"model": name})
        expect(shown.status == 200, "a copy can be shown", shown.body[:300])
    finally:
        gone = ask("DELETE", "/api/delete", {"model": name})
    expect((gone.status, gone.body) == (200, b""), "200 and no body", gone.body[:300])
    expect(not entry(listed(ask, "/api/tags"), name), "a deleted model is not in the list", name)
    again = ask("DELETE", "/api/delete", {"model": name})
    expect(again.status == 404, "404 for a model that was deleted", again.body[:300])


@pytest.mark.needs("embedding")
def test_vectors_belong_to_their_texts(ask: Asker, target: Target) -> None:
    def embedded(given: Any, **more: Any) -> dict[str, Any]:
        answer = ask("POST", "/api/embed", {"model": target.embed_model, "input": given, **more})
        demand(answer.status == 200, "status 200", answer.body[:300])
        stated = answer.json()
        vectors = stated.get("embeddings")
        right = isinstance(vectors, list) and all(isinstance(one, list) for one in vectors)
        demand(right, "embeddings as a list of vectors", answer.body[:300])
        return dict(stated)

    cat, car = embedded("a cat")["embeddings"][0], embedded("the price of oil")["embeddings"][0]
    expect(cat != car, "different vectors for different texts", cat[:8])
    three = embedded(["a cat", "a cat", "the price of oil"])
    demand(len(three["embeddings"]) == 3, "one vector for each input", len(three["embeddings"]))
    for alone, together in zip((cat, cat, car), three["embeddings"], strict=True):
        near = sum(a * b for a, b in zip(alone, together, strict=False))
        expect(near > 0.98, "vectors in the order of the inputs", near)
    expect(embedded([])["embeddings"] == [], "no vectors without input", "")
    counts = [embedded(text)["prompt_eval_count"] for text in ("cat", "cat dog bird fish cow pig")]
    expect(counts[1] > counts[0], "a prompt_eval_count that grows with the input", counts)
    older = ask("POST", "/api/embeddings", {"model": target.embed_model, "prompt": "a cat"})
    vector = older.json().get("embedding")
    right = isinstance(vector, list) and len(vector) == len(cat)
    expect(right, "embedding as one vector on the older route", older.body[:200])
    bad = ask("POST", "/api/embed", {"model": target.embed_model, "input": 5})
    right = (bad.status, bad.error()) == (400, "invalid input type")
    expect(right, "400 invalid input type", bad.body[:300])


@pytest.mark.needs("embedding")
def test_dimensions_are_kept(ask: Asker, target: Target) -> None:
    body = {"model": target.embed_model, "input": "x", "dimensions": 4}
    answer = ask("POST", "/api/embed", body)
    if answer.status != 200:
        expect(answer.error(), "vectors of 4 numbers, or an error as text", answer.body[:300])
        return
    sizes = [len(one) for one in answer.json()["embeddings"]]
    expect(sizes == [4], "vectors of as many numbers as dimensions says", sizes)
