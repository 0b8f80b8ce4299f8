"""What changed between the released contract and the present one, and the version this demands.

    python -m openapi.changes              list it; end with 1 when the version is too low
    python -m openapi.changes --release    the present document becomes the released one

The released document is openapi/released.yaml. What was promised and is so no more is a major
change: a path, an operation, a field, a media type or a status gone, a field newly required, a
value narrowed, an answer widened. What is new is minor, other words are a patch. Before 1.0.0 a
major change demands the next minor version, as package managers read such versions.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from openapi.schema_changes import Change, Comparison, Direction, Level, resolved

HERE = Path(__file__).resolve().parent
PRESENT, RELEASED = HERE / "ollama.yaml", HERE / "released.yaml"
METHODS = ("get", "head", "post", "put", "patch", "delete", "options", "trace")
OPEN: Mapping[str, Any] = {}
"""The requirement of no key at all."""

Node = Mapping[str, Any]


def changes(old: Node, new: Node) -> list[Change]:
    """Every change from one document to another; one of words is told when there is no other."""
    found = list(_changes(old, new))
    if not found and old != new:
        found.append(Change(Level.PATCH, "document", "other words"))
    return found


def demanded(version: str, found: list[Change]) -> tuple[int, int, int]:
    """The lowest version after `version` that may hold these changes."""
    major, minor, patch = numbers(version)
    level = max((change.level for change in found), default=None)
    if level is None:
        return major, minor, patch
    if level is Level.PATCH:
        return major, minor, patch + 1
    if level is Level.MINOR or major == 0:
        return major, minor + 1, 0
    return major + 1, 0, 0


def numbers(version: str) -> tuple[int, int, int]:
    """The three numbers of a version. Raises ValueError when it has not just these."""
    major, minor, patch = map(int, version.split("."))
    return major, minor, patch


def main(arguments: list[str]) -> int:
    """Tell the changes, or take the present document as released. Gives the exit status."""
    if arguments == ["--release"]:
        shutil.copyfile(PRESENT, RELEASED)
        return 0
    old, new = (yaml.safe_load(file.read_text("utf-8")) for file in (RELEASED, PRESENT))
    found = changes(old, new)
    for change in sorted(found, key=lambda one: (-one.level, one.place)):
        sys.stdout.write(f"{change.level.name.lower():5}  {change.place}: {change.what}\n")
    before, now = old["info"]["version"], new["info"]["version"]
    lowest = demanded(before, found)
    well = numbers(now) >= lowest
    wanted = ".".join(map(str, lowest))
    verdict = "is enough" if well else f"is too low: set info.version to {wanted} or more"
    sys.stdout.write(f"{len(found)} changes since {before}; version {now} {verdict}\n")
    return int(not well)


def _changes(old: Node, new: Node) -> Iterator[Change]:
    for path in _gone_and_new(old["paths"], new["paths"]):
        yield _moved(path, "the path", old["paths"])
    for path in (one for one in old["paths"] if one in new["paths"]):
        before, after = (
            {method: item[method] for method in METHODS if method in item}
            for item in (old["paths"][path], new["paths"][path])
        )
        for method in _gone_and_new(before, after):
            yield _moved(f"{method.upper()} {path}", "the operation", before, method)
        yield from _parameters(old, new, old["paths"][path], new["paths"][path], path)
        for method in (one for one in before if one in after):
            place = f"{method.upper()} {path}"
            yield from _operation(old, new, before[method], after[method], place)
    if OPEN in old.get("security", [OPEN]) and OPEN not in new.get("security", [OPEN]):
        yield Change(Level.MAJOR, "document", "a key is needed now")


def _operation(old: Node, new: Node, before: Node, after: Node, place: str) -> Iterator[Change]:
    yield from _parameters(old, new, before, after, place)
    body = before.get("requestBody", {}), after.get("requestBody", {})
    if body[1].get("required") and not body[0].get("required"):
        yield Change(Level.MAJOR, f"{place} body", "it is required now")
    requested = Comparison(old, new, Direction.REQUEST)
    yield from _contents(requested, *body, f"{place} body")
    given = Comparison(old, new, Direction.ANSWER)
    for status in _gone_and_new(before["responses"], after["responses"]):
        yield _moved(f"{place} {status}", "the status", before["responses"], status)
    for status, answer in before["responses"].items():
        if status in after["responses"]:
            pair = resolved(old, answer), resolved(new, after["responses"][status])
            yield from _contents(given, *pair, f"{place} {status}")
    if before.get("x-ollama-errors") != after.get("x-ollama-errors"):
        yield Change(Level.MINOR, place, "the errors are others")
    if before.get("operationId") != after.get("operationId"):
        yield Change(Level.MAJOR, place, "the operationId is another")
    if any(before.get(key) != after.get(key) for key in ("summary", "description")):
        yield Change(Level.PATCH, place, "other words")


def _contents(pair: Comparison, old: Node, new: Node, place: str) -> Iterator[Change]:
    before, after = old.get("content", {}), new.get("content", {})
    for media_type in _gone_and_new(before, after):
        yield _moved(f"{place} {media_type}", "the media type", before, media_type)
    for media_type in (one for one in before if one in after):
        schemas = before[media_type].get("schema", {}), after[media_type].get("schema", {})
        yield from pair.changes(*schemas, f"{place} {media_type}")


def _parameters(old: Node, new: Node, before: Node, after: Node, place: str) -> Iterator[Change]:
    ours, theirs = (
        {(one["in"], one["name"]): one for one in item.get("parameters", ())}
        for item in (before, after)
    )
    for key in _gone_and_new(ours, theirs):
        change = _moved(f"{place} {key[1]}", "the parameter", ours, key)
        needed = key in theirs and theirs[key].get("required")
        yield Change(Level.MAJOR, change.place, "it is required now") if needed else change
    for key in (one for one in ours if one in theirs):
        where = f"{place} {key[1]}"
        if theirs[key].get("required") and not ours[key].get("required"):
            yield Change(Level.MAJOR, where, "it is required now")
        schemas = ours[key].get("schema", {}), theirs[key].get("schema", {})
        yield from Comparison(old, new, Direction.REQUEST).changes(*schemas, where)


def _gone_and_new(old: Mapping[Any, Any], new: Mapping[Any, Any]) -> list[Any]:
    return [*(key for key in old if key not in new), *(key for key in new if key not in old)]


def _moved(place: str, thing: str, old: Mapping[Any, Any], key: Any = None) -> Change:
    """A thing that is gone, or that is new."""
    gone = (place if key is None else key) in old
    return Change(
        Level.MAJOR if gone else Level.MINOR, place, f"{thing} is {'gone' if gone else 'new'}"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
