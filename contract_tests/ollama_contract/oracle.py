"""Two servers asked the same things, and where their answers differ (`--oracle URL`).

What a model says, counts and times are not compared; statuses, headers that clients look at, the
order of keys, the forms of frames and the texts of errors are. A difference is data, for the
terminal and the report.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import httpx

from ollama_contract.exchange import Answer, Asker
from ollama_contract.golden import Recorded, recorded
from ollama_contract.recording import Recorder
from ollama_contract.target import Target

HEADERS = (
    "content-type",
    "allow",
    "location",
    "access-control-allow-origin",
    "access-control-allow-methods",
    "vary",
)
SHOWN = 400


@dataclass(frozen=True)
class Difference:
    """One aspect of one answer, side by side: `target` is the server under test."""

    case: str
    request: str
    aspect: str
    target: str
    oracle: str


@dataclass(frozen=True)
class Comparison:
    """What the server at `oracle` answers otherwise than the one under test."""

    oracle: str
    differences: list[Difference]


def compare(target: Target, oracle: Target) -> list[Difference]:
    """Asks both servers everything that was recorded; gives all differences in that order."""
    sides = [(one, Asker(one, Recorder())) for one in (target, oracle)]
    found: list[Difference] = []
    try:
        for case in recorded().values():
            if any(side.lacks(ability) for side, _ in sides for ability in case.needs):
                continue
            ours, theirs = (_asked(case, side, ask) for side, ask in sides)
            request = f"{case.request['method']} {case.request['path']}"
            for aspect in [*ours, *(key for key in theirs if key not in ours)]:
                pair = ours.get(aspect, ""), theirs.get(aspect, "")
                if pair[0] != pair[1]:
                    found.append(Difference(case.name, request, aspect, *pair))
    finally:
        for _, ask in sides:
            ask.close()
    return found


def as_data(comparison: Comparison) -> dict[str, Any]:
    """The comparison for a JSON file."""
    return asdict(comparison)


def _asked(case: Recorded, side: Target, ask: Asker) -> dict[str, str]:
    method, path, body, headers = case.requested(side)
    try:
        answer = ask(method, path, body, headers)
    except httpx.HTTPError as error:
        return {"answer": f"{type(error).__name__}: {error}"}
    aspects = dict(_aspects(case, answer))
    # Each has models of its own; under one name, texts with them are alike.
    for name, word in ((side.model, "MODEL"), (side.embed_model, "EMBEDDER")):
        if name:
            aspects = {key: value.replace(name, word) for key, value in aspects.items()}
    host = side.url.partition("://")[2]
    return {key: value.replace(host, "HOST") for key, value in aspects.items()}


def _aspects(case: Recorded, answer: Answer) -> Iterator[tuple[str, str]]:
    yield "status", str(answer.status)
    for name in HEADERS:
        if name in answer.headers:
            yield name, str(answer.headers[name])
    if case.request["method"] == "HEAD":
        return
    try:
        if answer.media_type == "application/x-ndjson":
            frames = answer.lines()
            yield "frames", " / ".join(dict.fromkeys(form(frame) for frame in frames[:-1]))
            yield "last frame", form(frames[-1]) if frames else "none"
        elif answer.media_type == "application/json" and answer.body:
            value = answer.json()
            stated = value.get("error") if isinstance(value, dict) else None
            yield "body", form(value) if stated is None else json.dumps(stated, ensure_ascii=False)
        else:
            yield "body", answer.body.decode("utf-8", "backslashreplace")[:SHOWN]
    except AssertionError as error:
        yield "body", str(error)[:SHOWN]


def form(value: Any) -> str:
    """The shape of a value: its keys in their order, and the types of what they hold."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {form(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + " | ".join(dict.fromkeys(form(inner) for inner in value[:20])) + "]"
    return {bool: "bool", int: "number", float: "number", str: "text"}.get(type(value), "null")
