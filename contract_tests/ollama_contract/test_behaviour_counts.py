"""Counts, reasons and durations over several requests: they follow what was asked."""

from __future__ import annotations

import time
from typing import Any

import pytest

from ollama_contract.checking import demand, expect
from ollama_contract.exchange import Asker
from ollama_contract.requests import COUNT, GENERATING, asking, fresh, text_of, thought_of
from ollama_contract.target import Target

COUNTED = (
    "total_duration",
    "load_duration",
    "prompt_eval_count",
    "prompt_eval_duration",
    "eval_count",
    "eval_duration",
)

pytestmark = [pytest.mark.needs("completion"), pytest.mark.parametrize("path", GENERATING)]


def last(ask: Asker, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """The last, or only, object of an answer."""
    answer = ask("POST", path, body)
    demand(answer.status == 200, "status 200", f"{answer.status} {answer.body[:300]!r}")
    values = answer.lines() if body["stream"] else [answer.json()]
    demand(values, "an answer", answer.body)
    return dict(values[-1])


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_the_end_of_an_answer_tells_all_counts_and_durations(
    path: str, stream: bool, ask: Asker, target: Target
) -> None:
    began = time.monotonic_ns()
    end = last(ask, path, asking(target, path, stream=stream))
    took = time.monotonic_ns() - began
    missing = [key for key in COUNTED if not isinstance(end.get(key), int)]
    expect(not missing, f"{', '.join(COUNTED)} as whole numbers", f"{missing} missing in {end}")
    total = end.get("total_duration")
    if isinstance(total, int):
        # Micro- or milliseconds are less by far; a slow network does not make it so much less.
        right = total * 200 > took
        expect(right, "total_duration in nanoseconds", f"{total} in an answer of {took} ns")


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_counts_follow_the_length_of_prompt_and_answer(
    path: str, stream: bool, ask: Asker, target: Target
) -> None:
    small = last(ask, path, asking(target, path, fresh(3), 1, stream=stream))
    large = last(ask, path, asking(target, path, fresh(60), 1, stream=stream))
    counts = [one.get("prompt_eval_count") or 0 for one in (small, large)]
    expect(counts[1] > counts[0], "a prompt_eval_count that grows with the prompt", counts)
    short = last(ask, path, asking(target, path, COUNT, 2, stream=stream))
    long = last(ask, path, asking(target, path, COUNT, 24, stream=stream))
    counts = [one.get("eval_count") or 0 for one in (short, long)]
    if long.get("done_reason") == "length":
        expect(counts[1] > counts[0], "an eval_count that grows with the answer", counts)
    durations = {one.get("total_duration") for one in (small, large, short, long)}
    expect(len(durations) > 1, "a total_duration that is measured", f"{durations} for four answers")


def test_tokens_are_counted_and_not_words(path: str, ask: Asker, target: Target) -> None:
    word = fresh(16).replace(" ", "")
    less = last(ask, path, asking(target, path, "a", 1))
    more = last(ask, path, asking(target, path, f"a{word}", 1))
    grown = (more.get("prompt_eval_count") or 0) - (less.get("prompt_eval_count") or 0)
    expect(grown >= 5, "a long word is counted as several tokens", f"{grown} more for {word!r}")


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("budget", [1, 12])
def test_an_answer_ends_at_num_predict_and_says_so(
    path: str, budget: int, stream: bool, ask: Asker, target: Target
) -> None:
    body = asking(target, path, COUNT, budget, stream=stream)
    answer = ask("POST", path, body)
    demand(answer.status == 200, "status 200", answer.status)
    values = answer.lines() if stream else [answer.json()]
    end, text = values[-1], "".join(text_of(value) for value in values)
    text += "".join(thought_of(value) for value in values)
    count = end.get("eval_count") or 0
    expect(len(text) <= budget * 40, f"a text of about {budget} tokens (num_predict)", text)
    if budget == 1 and text:
        expect(end.get("done_reason") == "length", "done_reason length after num_predict", end)
    if count < budget - 1:
        expect(end.get("done_reason") == "stop", "done_reason stop before num_predict", end)
    elif count > budget:
        expect(False, "no more tokens than num_predict", end)
    if count == budget - 1 and end.get("done_reason") == "length":
        expect(False, "an eval_count of num_predict where the reason is length", end)
