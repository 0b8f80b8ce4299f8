"""What has to hold for the values in single answers, beyond their schema."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from ollama_contract.frames import SECOND, Fault
from ollama_contract.moments import problem_of
from ollama_contract.sse import REASONS

Checker: TypeAlias = Callable[[Any, Mapping[str, Any], float], Iterator[Fault]]
"""A body of status 200, the body of the request, and the seconds it took."""

DIGEST = re.compile(r"[0-9a-f]{64}")
VERSION = re.compile(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?")
LENGTH_TOLERANCE = 0.01


def version(body: Any, _request: Mapping[str, Any], _seconds: float) -> Iterator[Fault]:
    """Clients compare it as numbers."""
    if not VERSION.fullmatch(body["version"]):
        yield "a version of three numbers", repr(body["version"])


def models(body: Any, _request: Mapping[str, Any], _seconds: float) -> Iterator[Fault]:
    """The list of models, and that of those in use."""
    names = [entry["name"] for entry in body["models"]]
    if len(set(names)) < len(names):
        yield "every model once", str(names)
    seen: dict[str, Any] = {}
    for entry in body["models"]:
        name = entry["name"]
        if entry.get("model") != name:
            yield "the same in name and model", f"{name!r} and {entry.get('model')!r}"
        if ":" not in name.rpartition("/")[2]:
            yield "names with their tag", repr(name)
        if not DIGEST.fullmatch(entry["digest"]):
            yield "a digest of 64 hexadecimal digits", f"{entry['digest']!r} of {name}"
        retained = (entry["size"], entry["details"])
        if "expires_at" not in entry and seen.setdefault(entry["digest"], retained) != retained:
            yield "different models have different digests", f"{entry['digest']} of {names}"
        for key in ("modified_at", "expires_at"):
            if key in entry and (problem := problem_of(entry[key])):
                yield f"{key} in RFC 3339 with an offset", problem


def shown(body: Any, _request: Mapping[str, Any], _seconds: float) -> Iterator[Fault]:
    """What is known of a model; clients look up its context by its architecture."""
    info = body.get("model_info") or {}
    architecture = info.get("general.architecture")
    length = info.get(f"{architecture}.context_length")
    if architecture and length is not None and not (isinstance(length, int) and length > 0):
        yield "a context_length above zero", f"{length!r}"
    foreign = [key for key in info if key.endswith(".context_length")]
    if foreign and length is None:
        yield f"the context length under {architecture}.context_length", str(foreign)
    capabilities = body.get("capabilities") or []
    if len(set(capabilities)) < len(capabilities):
        yield "every capability once", str(capabilities)
    if "modified_at" in body and (problem := problem_of(body["modified_at"])):
        yield "modified_at in RFC 3339 with an offset", problem


def embedded(body: Any, request: Mapping[str, Any], seconds: float) -> Iterator[Fault]:
    """One vector of length one for each input, in nanoseconds."""
    vectors, requested = body["embeddings"], request.get("input")
    inputs = len(requested) if isinstance(requested, list) else int(bool(requested))
    if len(vectors) != inputs:
        yield "one vector for each input", f"{len(vectors)} for {inputs}"
    if not vectors:
        return
    if len({len(vector) for vector in vectors}) > 1:
        yield "vectors of the same length", str([len(vector) for vector in vectors])
    for vector in vectors:
        size = math.hypot(*vector)
        if abs(size - 1) > LENGTH_TOLERANCE:
            yield "vectors of length one", f"{size}"
            break
    dimensions = request.get("dimensions")
    if isinstance(dimensions, int) and 0 < dimensions < len(vectors[0]):
        yield "vectors of no more numbers than dimensions says", str(len(vectors[0]))
    count, total = body.get("prompt_eval_count"), body.get("total_duration")
    if not (isinstance(count, int) and count > 0):
        yield "prompt_eval_count of what was read", f"{count!r}"
    if not (isinstance(total, int) and total > 0):
        yield "a total_duration", f"{total!r}"
    elif not seconds * SECOND / 1000 - SECOND / 5 < total < (seconds * 1.5 + 2) * SECOND:
        yield "total_duration in nanoseconds", f"{total} in an answer of {seconds:.3f} s"


def embedding(body: Any, request: Mapping[str, Any], _seconds: float) -> Iterator[Fault]:
    """The vector of the older route; none without a prompt."""
    if bool(body["embedding"]) != bool(request.get("prompt")):
        yield "a vector for a prompt, and none without", f"{len(body['embedding'])} numbers"


def usage(body: Any, _request: Mapping[str, Any], _seconds: float) -> Iterator[Fault]:
    """The counts of OpenAI's routes."""
    stated = body.get("usage")
    if isinstance(stated, dict) and "total_tokens" in stated:
        names = ("prompt_tokens", "completion_tokens", "input_tokens", "output_tokens")
        if stated["total_tokens"] != sum(stated.get(name, 0) for name in names):
            yield "total_tokens is the sum of both", str(stated)


def completed(body: Any, request: Mapping[str, Any], seconds: float) -> Iterator[Fault]:
    """A whole answer of OpenAI's routes of chunks."""
    yield from usage(body, request, seconds)
    reasons = [choice.get("finish_reason") for choice in body["choices"]]
    if not set(reasons) <= set(REASONS):
        yield f"a finish_reason of {', '.join(REASONS)}", str(reasons)


def listed(body: Any, request: Mapping[str, Any], seconds: float) -> Iterator[Fault]:
    """The vectors of OpenAI's route, one for each input and in their order."""
    yield from usage(body, request, seconds)
    places = [entry.get("index") for entry in body["data"]]
    if places != list(range(len(places))):
        yield "an index that counts the inputs from zero", str(places)


CHECKERS: dict[str, Checker] = {
    "version": version,
    "list": models,
    "ps": models,
    "show": shown,
    "embed": embedded,
    "embeddings": embedding,
    "create_chat_completion": completed,
    "create_completion": completed,
    "create_embeddings": listed,
    "create_response": usage,
}
"""By operation."""
