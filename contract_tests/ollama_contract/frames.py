"""What has to hold for the lines of a generated answer, beyond the schema of each.

An answer that does not stream is a stream of one line. Every rule holds for all recorded answers of
Ollama 0.33; where those leave room, the rule leaves it too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from ollama_contract.moments import instant, problem_of

Fault: TypeAlias = tuple[str, str]
"""What was expected, and what came instead."""

REASONS = ("stop", "length", "load", "unload")
DURATIONS = ("load_duration", "prompt_eval_duration", "eval_duration")
COUNTS = ("prompt_eval_count", "eval_count")
ONLY_AT_THE_END = ("done_reason", "context", "total_duration", *DURATIONS, *COUNTS)
SECOND = 1_000_000_000
# No machine reads a token in less, or writes one: 200,000 and 50,000 tokens in a second.
FASTEST = {"prompt_eval": 5_000, "eval": 20_000}
# Timers of a backend and of a server differ by a little, and so do two clocks.
SLACK = SECOND // 10
CLOCKS_DIFFER = 300.0
# So much fits into every context, which may also be what ends an answer.
SMALL = 64


@dataclass(frozen=True)
class Answered:
    """The lines of one answer, and what is known around them."""

    frames: Sequence[Mapping[str, Any]]
    request: Mapping[str, Any]
    seconds: float
    """From the request to the last byte, on our clock."""
    date: float | None
    """The server's own clock, from its `Date` header."""

    @property
    def last(self) -> Mapping[str, Any]:
        return self.frames[-1]


def _order(answered: Answered) -> Iterator[Fault]:
    if _prompt(answered):
        return
    done = [bool(frame.get("done")) for frame in answered.frames]
    if "error" in answered.last:
        if any(done):
            yield "no line says done where the last line is an error", _shown(answered)
    elif done != [False] * (len(done) - 1) + [True]:
        yield "exactly one line with done: true, and that the last", _shown(answered)
    if any("error" in frame for frame in answered.frames[:-1]):
        yield "an error only as the last line", _shown(answered)
    names = {frame.get("model") for frame in answered.frames if "error" not in frame}
    if len(names) > 1:
        yield "the same model in every line", str(sorted(map(str, names)))


def _moments(answered: Answered) -> Iterator[Fault]:
    if _prompt(answered):
        return
    written = [frame["created_at"] for frame in answered.frames if "created_at" in frame]
    for text in written:
        if problem := problem_of(text):
            yield "created_at in RFC 3339 with an offset", problem
            return
    moments = [instant(text) for text in written]
    if moments != sorted(moments):
        yield "created_at never goes back", ", ".join(written)
    if answered.date is not None and moments:
        away = abs(float(moments[-1]) - answered.date)
        if away > CLOCKS_DIFFER + answered.seconds:
            yield "created_at is the time of the server's own clock", f"{away:.0f} s away from Date"


def _early(answered: Answered) -> Iterator[Fault]:
    if _prompt(answered) or "error" in answered.last:
        return
    for frame in answered.frames[:-1]:
        if early := [key for key in ONLY_AT_THE_END if key in frame]:
            yield "reason, durations and counts only in the last line", f"{early} in {dict(frame)}"
            return


def _end(answered: Answered) -> Iterator[Fault]:
    if not _ended(answered):
        return
    reason = answered.last.get("done_reason")
    if reason not in REASONS:
        yield f"a done_reason of {', '.join(REASONS)}", repr(reason)
    if "message" in answered.last and answered.last["message"].get("role") != "assistant":
        yield "the role assistant", repr(answered.last["message"])


def _durations(answered: Answered) -> Iterator[Fault]:
    last = answered.last
    if not _ended(answered) or not generated(answered):
        return
    total = last.get("total_duration")
    if not isinstance(total, int) or total <= 0:
        yield "total_duration in the last line", f"{total!r} in {dict(last)}"
        return
    parts = {key: last[key] for key in DURATIONS if isinstance(last.get(key), int)}
    if sum(parts.values()) > total * 1.05 + SLACK:
        yield "durations that add up to at most total_duration", f"{parts} in {total}"
    if total > (answered.seconds * 1.5 + 2) * SECOND:
        yield (
            "total_duration in nanoseconds, no longer than the answer took",
            f"{total} in an answer of {answered.seconds:.3f} s",
        )
    if answered.seconds > 0.2 and total < answered.seconds * SECOND / 1000:
        yield (
            "total_duration in nanoseconds",
            f"{total} in an answer of {answered.seconds:.3f} s",
        )
    for part, fastest in FASTEST.items():
        count, duration = last.get(f"{part}_count"), last.get(f"{part}_duration")
        if not isinstance(count, int) or not isinstance(duration, int):
            continue
        # The first token written is counted in time to the reading of the prompt.
        timed = count - 1 if part == "eval" else count
        if 0 < duration < timed * fastest:
            yield f"{part}_duration in nanoseconds", f"{duration} for {count} tokens"


def _counts(answered: Answered) -> Iterator[Fault]:
    last = answered.last
    if not _ended(answered) or not generated(answered):
        return
    written = any(_written(frame) for frame in answered.frames)
    count = last.get("eval_count")
    if written and not (isinstance(count, int) and count > 0):
        yield "eval_count of what was generated", f"{count!r} in {dict(last)}"
    limit = (answered.request.get("options") or {}).get("num_predict")
    if isinstance(limit, int) and limit > 0 and isinstance(count, int):
        if count > limit:
            yield "an eval_count within num_predict", f"{count} with num_predict {limit}"
        elif last.get("done_reason") == "length" and count != limit <= SMALL:
            yield (
                "an eval_count of num_predict where the reason is length",
                f"{count} with num_predict {limit}",
            )


RULES = (_order, _moments, _early, _end, _durations, _counts)
"""Each by itself: where one breaks off at a body that is badly wrong, the others still tell."""


def _prompt(answered: Answered) -> bool:
    """A rendered prompt is no answer."""
    return "_debug_info" in answered.last


def _ended(answered: Answered) -> bool:
    last = answered.last
    return "error" not in last and not _prompt(answered) and bool(last.get("done"))


def generated(answered: Answered) -> bool:
    """It was not only loaded or unloaded, and ended well."""
    return answered.last.get("done_reason") in ("stop", "length")


def _written(frame: Mapping[str, Any]) -> bool:
    message = frame.get("message") or {}
    parts = (message.get(name) for name in ("content", "thinking", "tool_calls"))
    return any((frame.get("response"), frame.get("thinking"), *parts))


def _shown(answered: Answered) -> str:
    return "\n".join(str(dict(frame)) for frame in answered.frames[-4:])
