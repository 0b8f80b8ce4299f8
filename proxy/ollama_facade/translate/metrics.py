"""Counts and durations of the final frame (inference.md §10.1): nanoseconds, zeros left out."""

from __future__ import annotations

from dataclasses import dataclass

from ollama_facade.translate.deltas import Completion


@dataclass(slots=True)
class Moments:
    """Times of one request on the monotonic clock in nanoseconds; 0 for what has not happened."""

    started: int
    """The request arrived."""
    sent: int = 0
    """The request to the backend was sent."""
    first: int = 0
    """The first delta was received; 0 where the answer was not streamed."""
    ended: int = 0
    """The last delta was received."""


def metrics(ending: Completion, moments: Moments) -> dict[str, int]:
    """Returns the metrics of a completion, in Ollama's key order.

    Counts are the backend's and never estimated. Durations are llama.cpp's own where it gives them,
    else measured: the prompt lasts until the first delta, the answer from there to the end. Of an
    answer that was not streamed only the sum is known, which is then `eval_duration`.
    """
    prompt_count, count = counts(ending)
    prompt_duration = moments.first - moments.sent if moments.first else 0
    duration = moments.ended - (moments.first or moments.sent)
    if (timings := ending.timings) is not None:
        if timings.prompt_duration is not None:
            prompt_duration = timings.prompt_duration
        if timings.completion_duration is not None:
            duration = timings.completion_duration
    values = {
        "total_duration": max(moments.ended - moments.started, 1),
        "load_duration": max(moments.sent - moments.started, 1),
        "prompt_eval_count": prompt_count,
        "prompt_eval_duration": prompt_duration,
        "eval_count": count,
        "eval_duration": duration,
    }
    return {key: value for key, value in values.items() if value}


def counts(ending: Completion) -> tuple[int, int]:
    """Returns the tokens of the prompt and of the answer that the backend counted, else 0."""
    usage, timings = ending.usage, ending.timings
    prompt = usage.prompt_tokens if usage else None
    answer = usage.completion_tokens if usage else None
    if timings is not None:
        prompt = timings.prompt_tokens if prompt is None else prompt
        answer = timings.completion_tokens if answer is None else answer
    return prompt or 0, answer or 0
