"""Grades an answer against the recorded one.

exact    the same status and headers that matter, and the same text after masking
equal    the same JSON, written otherwise, or a small difference that `notes` names
frames   the stream adds up to the same answer, cut into other frames
shape    both succeed or both fail, with the same fields and types, but other values
differs  anything else
A note that begins with `~` does not lower the grade.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.golden.folding import carried, folded, is_error
from tests.golden.headers import compare_headers, media_type, recorded_headers
from tests.golden.masking import Mask
from tests.golden.numbers import Number, differences, read, write
from tests.golden.recordings import Case

GRADES = ("exact", "equal", "frames", "shape", "differs")
LISTS = ("/api/tags", "/api/ps", "/v1/models")
LAYERED = ("/api/pull", "/api/push")


@dataclass(frozen=True)
class Live:
    """An answer of the service under test; header names in lower case, values joined by commas."""

    status: int
    headers: Mapping[str, str]
    text: str
    cut: bool = False
    chunks: int = 0


@dataclass
class Graded:
    """The grade, what differs, what is noted beside it, and the answer itself."""

    grade: str
    differences: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    live: Live | None = None


@dataclass
class Body:
    """A body in units: one JSON value, the lines, or the events with what stands beside data."""

    kind: str
    text: str
    beside: list[str]
    values: list[Any]
    masked: list[Any]
    canonical: bool


def grade(case: Case, live: Live) -> Graded:
    """Compares an answer with the recorded one."""
    text, headers = case.text(), recorded_headers(case)
    if live.status != case.response["status"]:
        reported = f"body: {text[:200]!r} ≠ {live.text[:200]!r}"
        return Graded("differs", [f"status: {case.response['status']} ≠ {live.status}", reported])
    hard, notes = compare_headers(headers, live.headers, has_body=bool(text))
    if live.cut and not case.response.get("connection_cut"):
        hard.append("the answer was cut off")
    first = read(text)
    jinja = isinstance(first, dict) and str(first.get("template", "")).startswith(("{%", "{#"))
    masks = Mask(case, jinja), Mask(case, jinja)
    golden = units(text, kind_of(headers), masks[0])
    ours = units(live.text, kind_of(live.headers), masks[1])
    notes += hidden(*masks)
    if case.path in LAYERED and golden.kind == "lines":
        golden, ours = without_layers(golden), without_layers(ours)
    notes += without_context(golden.masked, ours.masked)
    if (
        ours.kind == "lines"
        and live.chunks not in (0, len(ours.values))
        and case.path not in LAYERED
    ):
        notes.append("~one line a chunk")
    result = compare_bodies(case, golden, ours)
    result.differences = hard + result.differences
    result.notes = notes + result.notes
    if hard:
        result.grade = "differs"
    elif result.grade == "exact" and any(not note.startswith("~") for note in result.notes):
        result.grade = "equal"
    return result


def kind_of(headers: Mapping[str, str]) -> str:
    """`lines`, `events` or `body`, by the media type."""
    kinds = {"application/x-ndjson": "lines", "text/event-stream": "events"}
    return kinds.get(media_type(headers.get("content-type")) or "", "body")


def units(text: str, kind: str, mask: Mask) -> Body:
    """Takes a body apart and masks it."""
    beside, texts = [""], [text]
    if kind == "lines":
        texts = text.removesuffix("\n").split("\n") if text else []
        beside = [""] * len(texts)
    elif kind == "events":
        found = [event.strip("\n").split("\n") for event in text.split("\n\n") if event.strip("\n")]
        beside = [
            " ".join(line for line in lines if not line.startswith("data:")) for lines in found
        ]
        data = [
            [line[5:].removeprefix(" ") for line in lines if line.startswith("data:")]
            for lines in found
        ]
        texts = ["\n".join(lines) for lines in data]
    texts = [one.strip() for one in texts]
    values = [read(one) for one in texts]
    canonical = all(
        not isinstance(value, (dict, list)) or write(value) == one
        for value, one in zip(values, texts, strict=True)
    )
    return Body(kind, text, beside, values, [mask(value) for value in values], canonical)


def hidden(golden: Mask, ours: Mask) -> list[str]:
    """Notes of small differences under a mask."""
    notes = ["durations"] if ours.durations else []
    for name in ("estimates", "formats"):
        left, right = getattr(golden, name), getattr(ours, name)
        if left != right and len(left) == len(right):
            notes.append(
                {"estimates": "estimate of input_tokens", "formats": "details.format"}[name]
            )
    return notes


def without_layers(body: Body) -> Body:
    """Frames of layers taken out: which of them come is not fixed."""
    keep = [not (isinstance(one, dict) and "digest" in one) for one in body.masked]
    for name in ("beside", "values", "masked"):
        retained = [one for one, stays in zip(getattr(body, name), keep, strict=True) if stays]
        setattr(body, name, retained)
    return body


def without_context(golden: list[Any], ours: list[Any]) -> list[str]:
    """An answer may lack `context`."""
    if not (golden and ours and isinstance(golden[-1], dict) and isinstance(ours[-1], dict)):
        return []
    if "context" not in golden[-1] or "context" in ours[-1] or "done" not in ours[-1]:
        return []
    del golden[-1]["context"]
    return ["no context"]


def compare_bodies(case: Case, golden: Body, ours: Body) -> Graded:
    """The grade of a body whose status and headers are right."""
    alike = golden.kind == ours.kind and golden.beside == ours.beside
    if alike and list(map(write, golden.masked)) == list(map(write, ours.masked)):
        notes = written(golden, ours)
        return Graded("equal" if notes else "exact", [], notes)
    if alike and not differences(golden.masked, ours.masked):
        return Graded("equal", [], written(golden, ours))
    if case.path in LISTS and not differences(in_order(golden.masked), in_order(ours.masked)):
        return Graded("equal", [], ["order of models", *written(golden, ours)])
    return compare_answers(case, golden, ours)


def written(golden: Body, ours: Body) -> list[str]:
    """How the text differs from Go's."""
    notes = [] if ours.canonical else ["JSON is not written as Go does"]
    if golden.text.endswith("\n") != ours.text.endswith("\n"):
        notes.append("newline at the end")
    return notes


def in_order(documents: Sequence[Any]) -> list[Any]:
    """Lists of models sorted by name."""

    def key(one: Any) -> str:
        return str(one.get("name") or one.get("id")) if isinstance(one, dict) else write(one)

    return [
        {name: sorted(v, key=key) if isinstance(v, list) else v for name, v in one.items()}
        if isinstance(one, dict)
        else one
        for one in documents
    ]


def compare_answers(case: Case, golden: Body, ours: Body) -> Graded:
    """What is left: the same answer in other frames, the same shape, or neither."""
    streams = golden.kind != "body" and golden.kind == ours.kind
    if streams:
        left, right = folded(golden.masked, case.path), folded(ours.masked, case.path)
    else:
        left = golden.masked[0] if golden.masked else ""
        right = ours.masked[0] if ours.masked else ""
    found = differences(left, right)
    if streams:
        wanted, got = carried(golden.masked, case.path), carried(ours.masked, case.path)
        if wanted and got and wanted != got:
            found.insert(0, f"frames carry {sorted(got - wanted)} for {sorted(wanted - got)}")
        if not found:
            return Graded("frames")
    if not streams and golden.kind != "body":
        return Graded("differs", found or ["another kind of body"])
    failed = any(map(is_error, golden.masked)), any(map(is_error, ours.masked))
    if all(failed):
        return Graded("shape", found, ["~error text"])
    plain = all(is_text(one) for one in golden.masked + ours.masked)
    if not any(failed) and not plain and not is_text(left) and skeleton(left) == skeleton(right):
        return Graded("shape", found, ["~values of an answer"])
    return Graded("differs", found)


def is_text(value: Any) -> bool:
    return isinstance(value, str) and not isinstance(value, Number)


def skeleton(value: Any) -> Any:
    """Names and types without values; of a list its first item."""
    if isinstance(value, dict):
        return {key: skeleton(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [skeleton(value[0])] if value else []
    return "number" if isinstance(value, Number) else type(value).__name__
