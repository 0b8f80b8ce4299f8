"""Counts and durations of the last frame (inference.md §10.1): nanoseconds, zeros left out."""

from __future__ import annotations

from dataclasses import dataclass

from ollama_facade.translate.deltas import Completion


@dataclass(slots=True)
class Moments:
    """Monotonic nanoseconds of one request, as they come to pass; 0 is not yet.

    `started`: the request came in. `asked`: the backend was asked. `first`: its first Delta.
    `ended`: its last. `first` stays 0 where the answer was not streamed.
    """

    started: int
    asked: int = 0
    first: int = 0
    ended: int = 0


def metrics(ending: Completion, moments: Moments) -> dict[str, int]:
    """The metrics of an Ending, in Ollama's key order.

    Counts are the backend's and never guessed. Durations are llama.cpp's own where it gives them;
    else ours: the prompt lasts until the first Delta, the answer from there to the end. Of an
    answer that was not streamed only the sum is known, which is then `eval_duration`.
    """
    usage, timings = ending.usage, ending.timings
    prompt_count = usage.prompt_tokens if usage else None
    count = usage.completion_tokens if usage else None
    prompt_duration = moments.first - moments.asked if moments.first else 0
    duration = moments.ended - (moments.first or moments.asked)
    if timings is not None:
        prompt_count = timings.prompt_tokens if prompt_count is None else prompt_count
        count = timings.completion_tokens if count is None else count
        if timings.prompt_duration is not None:
            prompt_duration = timings.prompt_duration
        if timings.completion_duration is not None:
            duration = timings.completion_duration
    found = {
        "total_duration": max(moments.ended - moments.started, 1),
        "load_duration": max(moments.asked - moments.started, 1),
        "prompt_eval_count": prompt_count,
        "prompt_eval_duration": prompt_duration,
        "eval_count": count,
        "eval_duration": duration,
    }
    return {key: value for key, value in found.items() if value}


def counts(ending: Completion) -> tuple[int, int]:
    """Tokens of the prompt and of the answer as the backend counted them; 0 where it did not."""
    usage, timings = ending.usage, ending.timings
    prompt = usage.prompt_tokens if usage else None
    answer = usage.completion_tokens if usage else None
    if timings is not None:
        prompt = timings.prompt_tokens if prompt is None else prompt
        answer = timings.completion_tokens if answer is None else answer
    return prompt or 0, answer or 0
