"""All that a request carries is read: system texts, history, pictures, seeds, names in any case."""

from __future__ import annotations

from typing import Any

import pytest

from ollama_contract.checking import demand, expect, not_applicable
from ollama_contract.exchange import Answer, Asker
from ollama_contract.requests import COUNT, GENERATING, PNG, asking, fresh, text_of
from ollama_contract.target import Target

SEEDED = 4
"""How often the same is asked: a backend of many threads may round otherwise once."""


def answered(ask: Asker, path: str, body: dict[str, Any]) -> Answer:
    answer = ask("POST", path, body)
    demand(answer.status == 200, "status 200", f"{answer.status} {answer.body[:300]!r}")
    return answer


def read(ask: Asker, path: str, body: dict[str, Any]) -> int:
    """How many tokens of a prompt were read."""
    count = answered(ask, path, body).json().get("prompt_eval_count")
    return count if isinstance(count, int) else 0


@pytest.mark.needs("completion")
@pytest.mark.parametrize(
    "before",
    [
        pytest.param([{"role": "system", "content": "MORE"}], id="system"),
        pytest.param(
            [{"role": "user", "content": "MORE"}, {"role": "assistant", "content": "Yes."}],
            id="user",
        ),
        pytest.param(
            [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "MORE"}],
            id="assistant",
        ),
    ],
)
def test_every_message_of_a_chat_is_read(
    before: list[dict[str, str]], ask: Asker, target: Target
) -> None:
    long = fresh(30)
    counts = []
    for text in ("a", long):
        body = asking(target, "/api/chat", "Hello", 1)
        stated = [{**one, "content": one["content"].replace("MORE", text)} for one in before]
        counts.append(read(ask, "/api/chat", {**body, "messages": [*stated, *body["messages"]]}))
    expect(counts[1] > counts[0] + 15, "a prompt_eval_count with all messages in it", counts)


@pytest.mark.needs("completion", "vision")
@pytest.mark.parametrize("path", GENERATING)
def test_a_picture_is_read(path: str, ask: Asker, target: Target) -> None:
    body = asking(target, path, "What is in the picture?", 1)
    alone = read(ask, path, body)
    holder = body["messages"][0] if path == "/api/chat" else body
    holder["images"] = [PNG]
    counts = [alone, read(ask, path, body)]
    expect(counts[1] > counts[0], "a prompt_eval_count with the picture in it", counts)


@pytest.mark.needs("completion")
@pytest.mark.parametrize("path", GENERATING)
def test_the_same_seed_says_the_same(path: str, ask: Asker, target: Target) -> None:
    options = {"temperature": 1.5, "seed": 42, "top_k": 0, "top_p": 1.0}
    texts = []
    for _ in range(SEEDED):
        answer = answered(ask, path, asking(target, path, COUNT, 12, options=options))
        if "seed" in answer.headers.get("Facade-Dropped", ""):
            not_applicable("the server says that the backend has no seed")
        texts.append(text_of(answer.json()))
    expect(len(set(texts)) < SEEDED, "the same text for the same seed, most times", texts)


@pytest.mark.needs("completion")
@pytest.mark.parametrize("path", GENERATING)
def test_names_of_models_match_in_any_case(path: str, ask: Asker, target: Target) -> None:
    full = target.model if ":" in target.model else f"{target.model}:latest"
    answer = ask("POST", path, {**asking(target, path, "Hi", 1), "model": full.upper()})
    expect(answer.status == 200, f"the name {full.upper()} is taken", answer.body[:300])


@pytest.mark.needs("embedding")
@pytest.mark.parametrize("path", ["/api/embed", "/api/embeddings"])
def test_names_of_models_of_embeddings_match_in_any_form(
    path: str, ask: Asker, target: Target
) -> None:
    name = str(target.embed_model)
    full = name if ":" in name else f"{name}:latest"
    key = "input" if path == "/api/embed" else "prompt"
    # The older route looks at the case of names.
    other = full.upper() if path == "/api/embed" else full
    for form in dict.fromkeys((full, full.removesuffix(":latest"), other)):
        answer = ask("POST", path, {"model": form, key: "a"})
        expect(answer.status == 200, f"the name {form} is taken", answer.body[:300])


@pytest.mark.needs("embedding")
def test_a_text_that_must_not_be_cut_is_refused_when_it_is_too_long(
    ask: Asker, target: Target
) -> None:
    shown = ask("POST", "/api/show", {"model": target.embed_model}).json()
    info = shown.get("model_info") or {}
    length = info.get(f"{info.get('general.architecture')}.context_length")
    known = length if isinstance(length, int) and 0 < length <= 32_768 else 0
    if not known:
        not_applicable(f"nothing that is too long can be sent for a context of {length!r}")
    body = {"model": target.embed_model, "input": "a b " * known, "truncate": False}
    answer = ask("POST", "/api/embed", body)
    right = answer.status == 400 and bool(answer.error())
    got = f"{answer.status} {answer.body[:300]!r}"
    expect(right, "400 for a text too long for the context, with truncate: false", got)
