"""Letters of the whole world get through unharmed, in both directions."""

from __future__ import annotations

import json

import pytest

from ollama_contract.checking import demand, expect
from ollama_contract.exchange import Asker
from ollama_contract.requests import GENERATING, asking, text_of
from ollama_contract.target import Target

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
TEXTS = {
    "emoji": f"{FAMILY} \U0001f600",
    "combining": "e\u0301 n\u0303 \u1e9b\u0323",
    "right to left": "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
    "wide": "\u4f60\u597d \u3053\u3093 \U00020000",
}
every = pytest.mark.parametrize("name", TEXTS)


@every
@pytest.mark.needs("completion")
@pytest.mark.parametrize("path", GENERATING)
def test_a_text_that_a_format_asks_for_arrives_whole(
    name: str, path: str, ask: Asker, target: Target
) -> None:
    wanted = TEXTS[name]
    schema = {
        "type": "object",
        "properties": {"text": {"type": "string", "enum": [wanted]}},
        "required": ["text"],
    }
    body = asking(target, path, f"Repeat: {wanted}", 128, stream=True, format=schema)
    answer = ask("POST", path, body)
    demand(answer.status == 200, f"{name} is taken", f"{answer.status} {answer.body[:300]!r}")
    frames = answer.lines()
    text = "".join(map(text_of, frames))
    whole = "\ufffd" not in text and not any("\ud800" <= one <= "\udfff" for one in text)
    expect(whole, f"{name} without replaced letters and halves of letters", ascii(text))
    if frames[-1].get("done_reason") != "stop":
        return
    try:
        stated = json.loads(text)
    except ValueError:
        demand(False, "a text that is JSON, as format asks for", ascii(text))
    got = stated.get("text") if isinstance(stated, dict) else stated
    expect(got == wanted, f"{name} as it is: {wanted!a}", ascii(got))


@every
def test_a_text_that_is_shown_is_the_text_that_was_sent(
    name: str, ask: Asker, target: Target
) -> None:
    wanted = TEXTS[name]
    for escaped in (True, False):
        body = json.dumps({"model": target.model, "system": wanted}, ensure_ascii=escaped)
        answer = ask("POST", "/api/show", body)
        demand(answer.status == 200, "status 200", answer.body[:300])
        got = answer.json().get("system")
        expect(got == wanted, f"{name} as it was sent: {wanted!a}", ascii(got))


@pytest.mark.needs("embedding")
def test_letters_that_look_alike_to_nobody_have_different_vectors(
    ask: Asker, target: Target
) -> None:
    given = ["\U0001f600", "\U0001f697", "\u4f60", "\u597d"]
    answer = ask("POST", "/api/embed", {"model": target.embed_model, "input": given})
    demand(answer.status == 200, "status 200", answer.body[:300])
    vectors = [tuple(one) for one in answer.json()["embeddings"]]
    expect(len(set(vectors)) == len(given), "a vector for each of the letters", vectors[0][:4])
