"""Values: counts, durations, times and vectors mean what they say."""

from __future__ import annotations

import time
from typing import Any

import pytest

from ollama_contract.checking import demand, expect, not_applicable
from ollama_contract.exchange import Answer, Asker
from ollama_contract.moments import date_of, instant, problem_of
from ollama_contract.target import Target

SHORT = "Say hello."
LONG = "Count the words of this text and then say hello to each of them. " * 6
GENERATING = ["/api/generate", "/api/chat"]


def body(path: str, target: Target, prompt: str, tokens: int, **more: Any) -> dict[str, Any]:
    options = {"num_predict": tokens, "temperature": 0}
    requested: dict[str, Any] = {"prompt": prompt}
    if path == "/api/chat":
        requested = {"messages": [{"role": "user", "content": prompt}]}
    return {"model": target.model, **requested, "options": options, **more}


def final(answer: Answer) -> dict[str, Any]:
    """The last line of an answer that went well."""
    demand(answer.status == 200, "200", f"{answer.status}: {answer.body[:300]!r}")
    return answer.lines()[-1]


@pytest.mark.parametrize("path", GENERATING)
@pytest.mark.needs("completion")
class TestGenerating:
    def test_no_two_answers_are_measured_alike(self, path: str, ask: Asker, target: Target) -> None:
        lasts = [
            final(ask("POST", path, body(path, target, SHORT, tokens, stream=False)))
            for tokens in (1, 8)
        ]
        for key in ("total_duration", "created_at"):
            values = [last.get(key) for last in lasts]
            expect(values[0] != values[1], f"a {key} that was measured", values)

    def test_an_answer_is_of_the_time_in_which_it_was_made(
        self, path: str, ask: Asker, target: Target
    ) -> None:
        before = time.time()
        answer = ask("POST", path, body(path, target, SHORT, 4))
        after = time.time()
        clock = date_of(answer.headers.get("date"))
        if clock is None or not before - 2 <= clock <= after + 2:
            not_applicable("the server has another clock than we, or tells none")
        moment = final(answer).get("created_at")
        right = not problem_of(moment) and before - 1 <= float(instant(str(moment))) <= after + 1
        expect(right, "a created_at between the request and the end of the answer", moment)

    def test_the_pieces_are_the_whole(self, path: str, ask: Asker, target: Target) -> None:
        """As far as a backend answers twice the same: the model, the reason and the counts."""
        requested = body(path, target, SHORT, 2)
        streamed = final(ask("POST", path, requested))
        whole = final(ask("POST", path, {**requested, "stream": False}))
        for key in ("model", "done_reason", "prompt_eval_count", "eval_count"):
            same = streamed.get(key) == whole.get(key)
            expect(same, f"the same {key} streamed and not", (streamed.get(key), whole.get(key)))

    def test_the_model_is_named_as_it_was_asked_for(
        self, path: str, ask: Asker, target: Target
    ) -> None:
        requested = target.model.removesuffix(":latest")
        last = final(ask("POST", path, {**body(path, target, SHORT, 1), "model": requested}))
        expect(last.get("model") == requested, f"the model {requested!r}", last.get("model"))


@pytest.mark.needs("embedding")
@pytest.mark.endpoint("POST /api/embed")
class TestEmbedding:
    def embed(self, ask: Asker, target: Target, given: Any) -> dict[str, Any]:
        return final(ask("POST", "/api/embed", {"model": target.embed_model, "input": given}))

    def test_vectors_come_in_the_order_of_the_inputs(self, ask: Asker, target: Target) -> None:
        texts = ["The sky is blue.", "Bread is baked from flour."]
        both = self.embed(ask, target, texts)["embeddings"]
        turned = self.embed(ask, target, texts[::-1])["embeddings"]
        expect(both[0] != both[1], "different vectors for different texts", both[0][:8])
        for one, other in zip(both, turned[::-1], strict=True):
            near = sum(a * b for a, b in zip(one, other, strict=True))
            expect(near > 0.99, "the same vector wherever a text stands", f"cosine {near}")

    def test_more_text_counts_more_tokens(self, ask: Asker, target: Target) -> None:
        one, two = (
            self.embed(ask, target, texts).get("prompt_eval_count", 0)
            for texts in ([LONG], [LONG, LONG])
        )
        expect(two > one, "a prompt_eval_count that grows with the input", (one, two))

    def test_the_older_route_gives_numbers_too(self, ask: Asker, target: Target) -> None:
        vector = self.embed(ask, target, SHORT)["embeddings"][0]
        requested = {"model": target.embed_model, "prompt": SHORT}
        older = final(ask("POST", "/api/embeddings", requested))["embedding"]
        expect(len(older) == len(vector), f"{len(vector)} numbers", len(older))
